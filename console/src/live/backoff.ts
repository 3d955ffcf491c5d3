const floorMs = 500;
const capMs = 10_000;

/**
 * How long to wait before connection attempt `attempt` (counted from 0). The delay is drawn inside
 * [floor, bound], and the bound grows to the cap: pages that lost the same demo do not come back in step.
 */
export function reconnectDelay(attempt: number, random: () => number = Math.random): number {
  const bound = Math.min(capMs, floorMs * 2 ** Math.min(attempt + 1, 16));
  return floorMs + random() * (bound - floorMs);
}
