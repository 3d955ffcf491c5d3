export interface Delays {
  floorMs: number;
  baseMs: number;
  capMs: number;
}

/** After a loss, and while polling fills the gap. */
export const reconnectDelays: Delays = { floorMs: 0, baseMs: 1_000, capMs: 4_000 };
/** While polling: WebSocket is tried for ever. */
export const probeDelays: Delays = { floorMs: 1_000, baseMs: 2_000, capMs: 5_000 };
/** After a poll or a publication that failed. */
export const retryDelays: Delays = { floorMs: 300, baseMs: 1_000, capMs: 5_000 };

/** Drawn in [floor, bound]; the bound doubles with each failure up to the cap, and the spread is kept there. */
export function delayAfter(failures: number, delays: Delays, random: () => number): number {
  const bound = Math.min(delays.capMs, delays.baseMs * 2 ** Math.min(failures, 16));
  return delays.floorMs + random() * Math.max(0, bound - delays.floorMs);
}
