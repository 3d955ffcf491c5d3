const longestMs = 60_000;

/** A server's wish, in seconds; bounded, since one can ask for years. The other notation, a date, is not heeded. */
export function retryAfterMs(field: string | null): number {
  if (field === null || !/^\d+$/.test(field)) return 0;
  return Math.min(longestMs, Number(field) * 1000);
}
