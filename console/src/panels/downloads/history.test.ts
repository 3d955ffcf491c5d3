import { expect, test } from "vitest";
import { exampleDownload } from "./example";
import { connectionKey, recorded, spanMs, spanOf, type History } from "./history";

const none: History = new Map();

test("each rate is recorded, of the download and of its connections", () => {
  const history = recorded(none, [exampleDownload()], 100);
  expect(history.get("d1")).toEqual([{ at: 100, value: 1 << 20 }]);
  expect(history.get(connectionKey("d1", 0))).toEqual([{ at: 100, value: 1 << 20 }]);
});

test("it is bounded in time and number", () => {
  let history = none;
  for (let at = 0; at < 10 * spanMs; at += 100) history = recorded(history, [exampleDownload()], at);
  expect(history.get("d1")!.length).toBeLessThanOrEqual(100);
  history = recorded(history, [exampleDownload()], 20 * spanMs);
  expect(history.get("d1")!.map((sample) => sample.at)).toEqual([10 * spanMs - 100, 20 * spanMs]);
});

test("what is not listed any more is forgotten, what stopped gets nothing new", () => {
  const history = recorded(none, [exampleDownload()], 0);
  expect(recorded(history, [exampleDownload({ state: "killed" })], 100).get("d1")!.length).toBe(1);
  expect(recorded(history, [], 100).size).toBe(0);
});

test("a connection that was cut falls to zero and comes back", () => {
  let history = recorded(none, [exampleDownload()], 0);
  history = recorded(history, [exampleDownload({ segments: [] })], 100);
  history = recorded(history, [exampleDownload()], 200);
  expect(history.get(connectionKey("d1", 0))!.map((sample) => sample.value)).toEqual([1 << 20, 0, 1 << 20]);
  expect(recorded(history, [exampleDownload({ id: "d10" })], 300).has(connectionKey("d1", 0))).toBe(false);
});

test("a young curve is not squeezed, an old one spans half a minute", () => {
  expect(spanOf([{ at: 0, value: 1 }], 1000)).toBe(8000);
  expect(spanOf([{ at: 0, value: 1 }], 12_000)).toBe(12_000);
  expect(spanOf([{ at: 0, value: 1 }], 99_000)).toBe(spanMs);
});
