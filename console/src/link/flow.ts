import { effect, signal } from "@preact/signals";
import { link } from "../live/state";

interface Reading {
  at: number;
  bytes: number;
}

/** The link's own rate, from two readings of its counters. */
export function flowRate(before: Reading | null, now: Reading): number {
  if (!before || now.bytes < before.bytes || now.at <= before.at) return 0;
  return ((now.bytes - before.bytes) * 1000) / (now.at - before.at);
}

const windowMs = 1_000;
const readings: Reading[] = [];

/** When the link last moved a byte, and how fast it does. */
export const flow = signal({ at: -Infinity, bytesPerSecond: 0 });

effect(() => {
  const counters = link.value?.counters;
  if (!counters) return;
  const now = { at: performance.now(), bytes: counters.bytes_up + counters.bytes_down };
  const last = readings.at(-1);
  if (last && last.bytes > now.bytes) readings.length = 0;  // another demo, which counts from zero
  readings.push(now);
  while (readings.length > 2 && now.at - readings[1]!.at > windowMs) readings.shift();
  if (!last || last.bytes !== now.bytes)
    flow.value = { at: now.at, bytesPerSecond: flowRate(readings[0]!, now) };
});
