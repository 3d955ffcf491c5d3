import { expect, test } from "vitest";
import { reconnectDelay } from "./backoff";

test("delays lie between the floor and a bound that doubles up to the cap", () => {
  for (let attempt = 0; attempt < 40; attempt++) {
    const bound = Math.min(10_000, 500 * 2 ** (attempt + 1));
    expect(reconnectDelay(attempt, () => 0)).toBe(500);
    expect(reconnectDelay(attempt, () => 1)).toBe(bound);
  }
});

test("the spread is kept at the cap", () => {
  expect(reconnectDelay(1000, () => 0.5)).toBe(5250);
});
