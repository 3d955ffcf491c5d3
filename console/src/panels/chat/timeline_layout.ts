import { duration } from "../../ui/format";
import type { Bar, BarState, Mark } from "./wire";

export const longestSpanMs = 90_000;
const shortestSpanMs = 20_000;

/** What the picture spans: a young demo is not squeezed into its corner. */
export function spanOf(now: number): number {
  return Math.min(longestSpanMs, Math.max(shortestSpanMs, now));
}

/** In percent of the picture's width. */
export interface Piece {
  state: BarState;
  left: number;
  width: number;
}

export interface Place {
  seq: string;
  left: number;
  tone: "bad" | "wait" | "good";
  text: string;
}

const share = (ms: number, now: number) => 100 * (1 - (now - ms) / spanOf(now));

/** What is to be seen of bars that each hold until the next one begins, the last one until now. */
export function piecesOf(bars: readonly Bar[], now: number): Piece[] {
  const pieces: Piece[] = [];
  bars.forEach((bar, index) => {
    const left = Math.max(0, share(bar.at_ms, now));
    const end = Math.min(100, share(bars[index + 1]?.at_ms ?? now, now));
    if (end > left) pieces.push({ state: bar.state, left, width: end - left });
  });
  return pieces;
}

const recoveries = new Set(["connected", "online", "unblocked"]);
const troubles = new Set(["stall", "half-open", "blocked", "reset"]);

/** Good news, bad news, or what is in between. */
export function toneOf(kind: string): Place["tone"] {
  if (recoveries.has(kind)) return "good";
  return troubles.has(kind) ? "wait" : "bad";
}

export function placesOf(marks: readonly Mark[], now: number, prefix: string): Place[] {
  return marks
    .filter((mark) => mark.at_ms > now - spanOf(now) && mark.at_ms <= now)
    .map((mark) => ({ seq: prefix + mark.seq, left: share(mark.at_ms, now), tone: toneOf(mark.kind), text: mark.text }));
}

const stateWords: Record<BarState, string> = {
  websocket: "by WebSocket",
  polling: "by polling",
  filling: "WebSocket lost, polls fill the gap",
  disconnected: "nothing",
  running: "running",
  down: "down",
};

/** The row in words, for those who don't see it. */
export function rowText(bars: readonly Bar[], now: number): string {
  const pieces = piecesOf(bars, now).filter((piece) => piece.width > 0.5);
  const parts = pieces.map((piece) => `${duration((piece.width * spanOf(now)) / 100_000)} ${stateWords[piece.state]}`);
  return parts.length > 0 ? parts.join(", then ") : "nothing yet";
}
