import { expect, test } from "vitest";
import { columnsOf, longestSpanMs as spanMs, pollsText, spanOf, topMs, toneOf } from "./polls_layout";

const now = 1_000_000;
const poll = (ago: number, status = 304, wait_ms: number | null = 2_000) => ({ at_ms: now - ago, status, wait_ms });

test("each poll is as high as the wait after it", () => {
  const columns = columnsOf([poll(2 * spanMs), poll(spanMs / 2, 200, 4_000), poll(spanMs / 4, 0, 1_000)], now).slice(1);
  expect(columns.map(({ left, height, tone }) => [left, height, tone])).toEqual([[50, 100, "news"], [75, 25, "failed"]]);
  expect(columns[0]!.left + columns[0]!.width).toBeLessThan(75);
});

test("the top follows the longest wait that is to be seen", () => {
  expect(topMs([poll(10, 304, 3_000)], now)).toBe(4_000);
  expect(topMs([poll(10, 304, 13_000)], now)).toBe(20_000);
  expect(topMs([poll(2 * spanMs, 304, 13_000)], now)).toBe(4_000);
});

test("what is out of sight is not drawn, and what began before begins at the edge", () => {
  expect(columnsOf([poll(3 * spanMs), poll(2 * spanMs)], now).map((one) => one.left)).toEqual([0]);
});

test("a poll whose wait is not chosen yet is low, not absent", () =>
  expect(columnsOf([poll(10, 304, null)], now)[0]).toMatchObject({ height: 4 }));

test.each([[200, "news"], [304, "same"], [0, "failed"], [503, "failed"], [404, "failed"]])("%d is %s", (status, tone) =>
  expect(toneOf(status)).toBe(tone));

test("the picture in words", () => {
  expect(pollsText([], now)).toBe("No poll in the last two minutes.");
  expect(pollsText([poll(50_000, 200, 3_000), poll(20_000), poll(10, 0, 4_500)], now)).toBe(
    "3 polls in two minutes: 1 with an answer, 1 unchanged, 1 failed, waits from 2.0 s to 4.5 s.");
});

test("a young history is not squeezed into its corner", () => {
  expect(spanOf([], now)).toBe(20_000);
  expect(spanOf([poll(45_000)], now)).toBe(45_000);
  expect(spanOf([poll(3 * spanMs)], now)).toBe(spanMs);
});
