import type { LinkFaults } from "../live/wire";
import { bytes } from "../ui/format";

export type Measure = Exclude<keyof LinkFaults, "offline" | "block_websocket">;

/** A slider over a handful of values that are worth choosing. */
export interface Scale {
  measure: Measure;
  label: string;
  stops: readonly number[];
  words(value: number): string;
}

const KiB = 1024;
const MiB = 1024 * KiB;
const ms = (value: number) => (value >= 1000 ? `${value / 1000} s` : `${value} ms`);
const share = (value: number) => `${Number(value.toFixed(2))} %`;

export const scales: readonly Scale[] = [
  { measure: "latency_ms", label: "Latency", words: ms,
    stops: [0, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000] },
  { measure: "jitter_ms", label: "Jitter", words: ms,
    stops: [0, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000] },
  { measure: "loss_percent", label: "Loss", words: share, stops: [0, 0.5, 1, 2, 5, 10, 20, 30, 50] },
  // From fast to slow would read well for faults, but a slider to the right means more.
  { measure: "bytes_per_second", label: "Bandwidth",
    words: (value) => (value === 0 ? "unlimited" : `${bytes(value)}/s`),
    stops: [64 * KiB, 128 * KiB, 256 * KiB, 512 * KiB, MiB, 2 * MiB, 4 * MiB, 8 * MiB, 16 * MiB, 64 * MiB, 0] },
  { measure: "reset_percent_per_mib", label: "Resets", words: (value) => `${share(value)} per MiB`,
    stops: [0, 0.5, 1, 2, 5, 10, 20, 50] },
];

/** The stop nearest to a value: the demo may have been told something between two of them. */
export function nearestStop(stops: readonly number[], value: number): number {
  const size = (stop: number, index: number) => (stop === 0 && index > 0 ? Infinity : stop);
  const wanted = value === 0 && stops[0] !== 0 ? Infinity : value;
  let best = 0;
  stops.forEach((stop, index) => {
    const here = size(stop, index);
    if (here === wanted || distance(here, wanted) < distance(size(stops[best]!, best), wanted)) best = index;
  });
  return best;
}

function distance(a: number, b: number): number {
  return a === b ? 0 : Math.abs(a - b);
}

export interface Weather {
  name: string;
  faults: LinkFaults;
}

const calm = { jitter_ms: 0, loss_percent: 0, reset_percent_per_mib: 0, offline: false };

/** Whole links at one press. */
export const weathers: readonly Weather[] = [
  { name: "Fibre", faults: { ...calm, latency_ms: 5, bytes_per_second: 64 * MiB } },
  { name: "Home", faults: { ...calm, latency_ms: 20, jitter_ms: 5, bytes_per_second: 8 * MiB } },
  { name: "Mobile", faults: { ...calm, latency_ms: 100, jitter_ms: 50, loss_percent: 1, bytes_per_second: 2 * MiB } },
  { name: "Train", faults: { latency_ms: 200, jitter_ms: 200, loss_percent: 5, bytes_per_second: MiB,
    reset_percent_per_mib: 10, offline: false } },
];

export function matches(faults: LinkFaults, weather: Weather): boolean {
  const wanted = weather.faults;
  return (Object.keys(wanted) as (keyof LinkFaults)[]).every((name) => faults[name] === wanted[name]);
}
