import { expect, test } from "vitest";
import { curve, topOf } from "./sparkline";

test("nothing is drawn of nothing", () => expect(curve([], 0, 1000)).toEqual([]));

test("the last sample holds until now", () => {
  const points = curve([{ at: 0, value: 10 }, { at: 500, value: 5 }], 1000, 1000);
  expect(points.map(([x]) => x)).toEqual([0, 50, 100]);
  expect(points[2]![1]).toBe(points[1]![1]);
});

test("what is older than the span stays at the edge", () => {
  expect(curve([{ at: -5000, value: 1 }], 1000, 1000)[0]![0]).toBe(0);
});

test("one wild reading does not flatten the rest", () => {
  const samples = [900, 10, 0, 12, 11].map((value, at) => ({ at, value }));
  expect(topOf(samples)).toBe(36);
  expect(Math.min(...curve(samples, 5, 5).map(([, y]) => y))).toBe(2);
  expect(topOf(samples.slice(1))).toBe(12);
});

test("a rate of zero lies on the ground", () => {
  expect(curve([{ at: 0, value: 0 }], 1000, 1000).every(([, y]) => y === 24)).toBe(true);
});
