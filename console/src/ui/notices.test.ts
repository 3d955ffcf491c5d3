import { effect, signal } from "@preact/signals";
import { expect, test, vi } from "vitest";
import { notify } from "./notices";

test("an effect that notifies does so once", () => {
  vi.useFakeTimers();
  const changes = signal(0);
  let runs = 0;
  effect(() => {
    if (changes.value > 0) notify("changed");
    if (++runs > 10) throw new Error("it runs for ever");
  });
  changes.value++;
  expect(runs).toBe(2);
  vi.runAllTimers();
  expect(runs).toBe(2);
  vi.useRealTimers();
});
