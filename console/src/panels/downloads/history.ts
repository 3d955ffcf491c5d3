import { effect, signal } from "@preact/signals";
import { demoChanges } from "../../live/state";
import type { Sample } from "../../ui/sparkline";
import { downloads, type Download } from "./wire";

export const spanMs = 30_000;
const shortestSpanMs = 8_000;
/** Progress comes twice a second at most; this is room for a span of it and some more. */
const most = 100;

/** Rates by key: `d1` is a download's own, `d1/0` that of its connection 0. */
export type History = ReadonlyMap<string, readonly Sample[]>;

export const connectionKey = (id: string, connection: number | "") => `${id}/${connection}`;

function append(samples: readonly Sample[], sample: Sample): readonly Sample[] {
  const fresh = samples.filter((one) => sample.at - one.at < spanMs);
  // The last one before the span still says what held at its beginning.
  const edge = samples[samples.length - fresh.length - 1];
  return [...(edge ? [edge] : []), ...fresh, sample].slice(-most);
}

/** The history with what the list says at `at`; what is no longer listed is forgotten. */
export function recorded(history: History, list: readonly Download[], at: number): History {
  const next = new Map<string, readonly Sample[]>();
  const put = (key: string, value: number) => next.set(key, append(history.get(key) ?? [], { at, value }));
  for (const download of list) {
    const running = download.state === "running" || download.state === "pausing";
    if (!running) {
      const kept = history.get(download.id);
      if (kept) next.set(download.id, kept);
      continue;
    }
    put(download.id, download.bytes_per_second);
    // A connection that is not listed while the download runs carries nothing: that is the dip of a cut.
    for (const key of history.keys()) if (key.startsWith(connectionKey(download.id, ""))) put(key, 0);
    for (const segment of download.segments)
      put(connectionKey(download.id, segment.connection), segment.bytes_per_second);
  }
  return next;
}

/** What a curve of these samples spans: a young one is not squeezed into a corner. */
export function spanOf(samples: readonly Sample[], now: number): number {
  return Math.min(spanMs, Math.max(shortestSpanMs, now - (samples[0]?.at ?? now)));
}

export const history = signal<History>(new Map());

effect(() => {
  const list = downloads.value;
  if (list) history.value = recorded(history.peek(), list, performance.now());
});
effect(() => {
  if (demoChanges.value > 0) history.value = new Map();
});
