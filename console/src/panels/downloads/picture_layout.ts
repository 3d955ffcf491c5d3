import type { Download, Range } from "./wire";

/** A piece of one row of the picture; x and width are in cells. */
export interface Run {
  row: number;
  x: number;
  width: number;
}

export interface Layout {
  columns: number;
  rows: number;
  /** Bytes of one cell: a power of two. */
  cellBytes: number;
}

const mostRows = 8;

/** The file is written into rows like text on a page, in cells of a round size. */
export function layoutOf(totalBytes: number, columns: number): Layout {
  let cellBytes = 1;
  while (Math.ceil(totalBytes / cellBytes) > columns * mostRows) cellBytes *= 2;
  const cells = Math.max(1, Math.ceil(totalBytes / cellBytes));
  return { columns, rows: Math.ceil(cells / columns), cellBytes };
}

/** A range of bytes, broken at the ends of the rows. */
export function runsOf(layout: Layout, [begin, end]: Range): Run[] {
  const runs: Run[] = [];
  const rowBytes = layout.cellBytes * layout.columns;
  let at = Math.max(0, begin);
  while (at < end) {
    const row = Math.floor(at / rowBytes);
    const stop = Math.min(end, (row + 1) * rowBytes);
    if (row >= layout.rows) break;
    runs.push({ row, x: (at - row * rowBytes) / layout.cellBytes, width: (stop - at) / layout.cellBytes });
    at = stop;
  }
  return runs;
}

/** How many bytes the picture is of: a file of unknown size is as long as what is there of it. */
export function extent(download: Download): number {
  if (download.total_bytes !== null) return download.total_bytes;
  const ends = [...download.held.map((range) => range[1]), ...download.segments.map((one) => one.position)];
  return Math.max(1, download.downloaded_bytes, ...ends);
}

/** What the picture shows, for those who don't see it. */
export function pictureText(download: Download): string {
  const parts = [`${download.held.length} held ${download.held.length === 1 ? "range" : "ranges"}`];
  for (const segment of download.segments) {
    const share = (at: number) => `${Math.floor((100 * at) / extent(download))} %`;
    parts.push(`connection ${segment.connection + 1} at ${share(segment.position)} of the file`);
  }
  return `The file from first to last byte: ${parts.join(", ")}.`;
}
