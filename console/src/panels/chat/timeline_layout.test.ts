import { expect, test } from "vitest";
import { piecesOf, placesOf, rowText, spanOf, toneOf } from "./timeline_layout";
import type { Bar } from "./wire";

const now = 1_000_000;
const spanMs = spanOf(now);
const bar = (ago: number, state: Bar["state"]): Bar => ({ at_ms: now - ago, state });

test("a bar holds until the next one, the last one until now", () => {
  const pieces = piecesOf([bar(spanMs / 2, "websocket"), bar(spanMs / 4, "polling")], now);
  expect(pieces).toEqual([{ state: "websocket", left: 50, width: 25 }, { state: "polling", left: 75, width: 25 }]);
});

test("what is older than the picture begins at its edge, or is not in it", () => {
  const pieces = piecesOf([bar(3 * spanMs, "disconnected"), bar(2 * spanMs, "websocket")], now);
  expect(pieces).toEqual([{ state: "websocket", left: 0, width: 100 }]);
});

test("the pieces fill the picture without a gap", () => {
  const pieces = piecesOf([bar(2 * spanMs, "websocket"), bar(20_000, "filling"), bar(13_000, "polling"), bar(10, "websocket")], now);
  pieces.forEach((piece, index) => {
    const before = pieces[index - 1];
    expect(piece.left).toBeCloseTo(before ? before.left + before.width : 0);
  });
  expect(pieces.at(-1)!.left + pieces.at(-1)!.width).toBeCloseTo(100);
});

test("marks that are to be seen", () => {
  const mark = (seq: number, ago: number, kind: string) => ({ seq, at_ms: now - ago, kind, text: kind });
  const places = placesOf([mark(1, 2 * spanMs, "cut"), mark(2, spanMs / 2, "cut"), mark(3, 0, "connected")], now, "a");
  expect(places.map(({ seq, left, tone }) => [seq, left, tone])).toEqual([["a2", 50, "bad"], ["a3", 100, "good"]]);
});

test.each([["cut", "bad"], ["lost", "bad"], ["killed", "bad"], ["offline", "bad"], ["stall", "wait"], ["half-open", "wait"],
  ["blocked", "wait"], ["connected", "good"], ["online", "good"]])("%s is %s", (kind, tone) => expect(toneOf(kind)).toBe(tone));

test("a row in words", () => {
  expect(rowText([bar(70_000, "websocket"), bar(10_000, "filling")], now)).toBe(
    "1 min 00 s by WebSocket, then 10 s WebSocket lost, polls fill the gap");
  expect(rowText([], now)).toBe("nothing yet");
});

test("a young picture is not squeezed into its corner", () => {
  expect([0, 30_000, 1_000_000].map(spanOf)).toEqual([20_000, 30_000, 90_000]);
  expect(piecesOf([{ at_ms: 0, state: "running" }], 30_000)).toEqual([{ state: "running", left: 0, width: 100 }]);
});
