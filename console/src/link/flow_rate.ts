export interface Reading {
  at: number;
  bytes: number;
}

/** The link's own rate, from two readings of its counters. */
export function flowRate(before: Reading | null, now: Reading): number {
  if (!before || now.bytes < before.bytes || now.at <= before.at) return 0;
  return ((now.bytes - before.bytes) * 1000) / (now.at - before.at);
}
