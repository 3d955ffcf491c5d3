import { expect, test } from "vitest";
import { flowRate } from "./flow_rate";

test("a rate is bytes over time, and zero where there is none", () => {
  expect(flowRate({ at: 0, bytes: 0 }, { at: 500, bytes: 1000 })).toBe(2000);
  expect(flowRate(null, { at: 500, bytes: 1000 })).toBe(0);
  expect(flowRate({ at: 500, bytes: 0 }, { at: 500, bytes: 1000 })).toBe(0);
  expect(flowRate({ at: 0, bytes: 2000 }, { at: 500, bytes: 1000 })).toBe(0);
});
