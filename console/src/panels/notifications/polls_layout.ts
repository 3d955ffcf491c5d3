import type { Poll } from "./wire";

export const longestSpanMs = 120_000;
const shortestSpanMs = 20_000;

/** What the picture spans: a young history is not squeezed into its corner. */
export function spanOf(history: readonly Poll[], now: number): number {
  return Math.min(longestSpanMs, Math.max(shortestSpanMs, now - (history[0]?.at_ms ?? now)));
}

export type Tone = "news" | "same" | "failed";

export function toneOf(status: number): Tone {
  if (status === 200) return "news";
  return status === 304 ? "same" : "failed";
}

/** In percent of the picture's width and height. */
export interface Column {
  at_ms: number;
  left: number;
  width: number;
  height: number;
  tone: Tone;
  wait_ms: number | null;
}

const gap = 0.35;
const narrowest = 0.5;

/** The wait at the picture's top: a round number of seconds. */
export function topMs(history: readonly Poll[], now: number): number {
  const longest = Math.max(4_000, ...history.filter((poll) => poll.at_ms >= now - longestSpanMs).map((poll) => poll.wait_ms ?? 0));
  return [4, 8, 12, 20, 30, 60, 120, 600].map((seconds) => seconds * 1000).find((top) => longest <= top) ?? longest;
}

/** A column for each poll, from its end to the next one's, as high as the wait that was chosen after it. */
export function columnsOf(history: readonly Poll[], now: number): Column[] {
  const top = topMs(history, now);
  const span = spanOf(history, now);
  const share = (ms: number) => 100 * (1 - (now - ms) / span);
  const columns: Column[] = [];
  history.forEach((poll, index) => {
    const end = share(history[index + 1]?.at_ms ?? now);
    if (end <= 0) return;
    const left = Math.max(0, share(poll.at_ms));
    columns.push({
      at_ms: poll.at_ms, left, width: Math.max(narrowest, end - left - gap),
      height: poll.wait_ms === null ? 4 : Math.max(4, (100 * poll.wait_ms) / top), tone: toneOf(poll.status), wait_ms: poll.wait_ms,
    });
  });
  return columns;
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

/** The picture in words. */
export function pollsText(history: readonly Poll[], now: number): string {
  const seen = history.filter((poll) => poll.at_ms >= now - longestSpanMs);
  if (seen.length === 0) return "No poll in the last two minutes.";
  const count = (tone: Tone) => seen.filter((poll) => toneOf(poll.status) === tone).length;
  const waits = seen.map((poll) => poll.wait_ms).filter((wait) => wait !== null);
  const range = waits.length > 0 ? `, waits from ${seconds(Math.min(...waits))} to ${seconds(Math.max(...waits))}` : "";
  return `${seen.length} polls in two minutes: ${count("news")} with an answer, ${count("same")} unchanged, ${count("failed")} failed${range}.`;
}
