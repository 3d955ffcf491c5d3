import { effect, signal } from "@preact/signals";
import { flowRate, type Reading } from "./flow_rate";
import { target } from "./target";

const windowMs = 1_000;
const readings: Reading[] = [];
let aimedAt = "";

/** When the link last moved a byte, and how fast it does. */
export const flow = signal({ at: -Infinity, bytesPerSecond: 0 });

effect(() => {
  const { id, state } = target.value;
  const counters = state.value?.counters;
  if (id !== aimedAt) readings.length = 0;
  aimedAt = id;
  if (!counters) return;
  const now = { at: performance.now(), bytes: counters.bytes_up + counters.bytes_down };
  const last = readings.at(-1);
  if (last && last.bytes > now.bytes) readings.length = 0;  // another demo, which counts from zero
  readings.push(now);
  while (readings.length > 2 && now.at - readings[1]!.at > windowMs) readings.shift();
  if (!last || last.bytes !== now.bytes)
    flow.value = { at: now.at, bytesPerSecond: flowRate(readings[0]!, now) };
});
