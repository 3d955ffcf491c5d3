import { expect, test } from "vitest";
import { matches, nearestStop, scales, weathers } from "./scales";

const stopsOf = (measure: string) => scales.find((scale) => scale.measure === measure)!.stops;

test("each stop is its own nearest one", () => {
  for (const { stops } of scales) stops.forEach((stop, index) => expect(nearestStop(stops, stop)).toBe(index));
});

test("a value between two stops goes to the nearer one", () => {
  expect(nearestStop(stopsOf("latency_ms"), 28)).toBe(stopsOf("latency_ms").indexOf(20));
  expect(nearestStop(stopsOf("latency_ms"), 4999)).toBe(stopsOf("latency_ms").length - 1);
});

test("unlimited is the far end of the bandwidth, not its beginning", () => {
  const stops = stopsOf("bytes_per_second");
  expect(nearestStop(stops, 0)).toBe(stops.length - 1);
  expect(nearestStop(stops, 1)).toBe(0);
  expect(nearestStop(stops, 1e9)).toBe(stops.length - 2);
});

test("every weather is on the sliders' stops, and matches itself alone", () => {
  for (const weather of weathers) {
    for (const { measure, stops } of scales) expect(stops).toContain(weather.faults[measure]);
    expect(weathers.filter((other) => matches(weather.faults, other))).toEqual([weather]);
  }
});
