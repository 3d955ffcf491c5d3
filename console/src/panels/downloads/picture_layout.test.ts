import { expect, test } from "vitest";
import { exampleDownload } from "./example";
import { extent, layoutOf, pictureText, runsOf } from "./picture_layout";

const MiB = 1 << 20;

test("cells are powers of two, rows are few", () => {
  for (const total of [1, 100, 4 * MiB, 16 * MiB, 256 * MiB, 256 * MiB + 1, 3e12]) {
    for (const columns of [16, 32]) {
      const layout = layoutOf(total, columns);
      expect(Number.isInteger(Math.log2(layout.cellBytes))).toBe(true);
      expect(layout.rows).toBeLessThanOrEqual(8);
      expect(layout.rows * columns * layout.cellBytes).toBeGreaterThanOrEqual(total);
    }
  }
});

test("256 MiB are 256 cells of 1 MiB", () => {
  expect(layoutOf(256 * MiB, 32)).toEqual({ columns: 32, rows: 8, cellBytes: MiB });
});

test("a range is broken at the ends of rows and keeps its length", () => {
  const layout = layoutOf(256 * MiB, 32);
  const runs = runsOf(layout, [31.5 * MiB, 65 * MiB]);
  expect(runs).toEqual([
    { row: 0, x: 31.5, width: 0.5 },
    { row: 1, x: 0, width: 32 },
    { row: 2, x: 0, width: 1 },
  ]);
});

test("an empty range is nothing, and nothing lies below the last row", () => {
  const layout = layoutOf(4 * MiB, 32);
  expect(runsOf(layout, [MiB, MiB])).toEqual([]);
  expect(runsOf(layout, [0, 1e12]).length).toBe(layout.rows);
});

test("a file of unknown size is as long as what is there", () => {
  expect(extent(exampleDownload({ total_bytes: null, downloaded_bytes: 5 * MiB }))).toBe(5 * MiB);
  expect(extent(exampleDownload({ total_bytes: null, downloaded_bytes: 0, held: [], segments: [] }))).toBe(1);
});

test("the picture has words", () => {
  expect(pictureText(exampleDownload())).toBe(
    "The file from first to last byte: 1 held range, connection 1 at 25 % of the file.");
});
