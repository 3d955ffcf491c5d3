import { expect, test } from "vitest";
import { delayAfter, probeDelays, reconnectDelays, retryDelays } from "./delays";

test.each([reconnectDelays, probeDelays, retryDelays])("delays lie between floor and a growing bound", (delays) => {
  for (let failures = 0; failures < 40; failures++) {
    const bound = Math.min(delays.capMs, delays.baseMs * 2 ** failures);
    expect(delayAfter(failures, delays, () => 0)).toBe(delays.floorMs);
    expect(delayAfter(failures, delays, () => 1)).toBe(bound);
  }
});

test("the spread is kept at the cap", () => {
  expect(delayAfter(1000, probeDelays, () => 0.5)).toBe(3_000);
});
