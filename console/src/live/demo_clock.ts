import { effect } from "@preact/signals";
import { demoChanges, topic } from "./state";

// Pictures over time are drawn by the demo's own clock, which tells its milliseconds once a second.
const clock = topic<{ ms: number }>("clock");

let ahead = -Infinity;

effect(() => {
  if (demoChanges.value > 0) ahead = -Infinity;
});
effect(() => {
  // What was told is never ahead of the truth: it is rounded down, and under way for a while.
  if (clock.value) ahead = Math.max(ahead, clock.value.ms - performance.now());
});

/** What the demo's clock says now; 0 until it was heard. */
export function demoNow(): number {
  return ahead === -Infinity ? 0 : performance.now() + ahead;
}
