import "./sparkline.css";

export interface Sample {
  /** Milliseconds of `performance.now()`. */
  at: number;
  value: number;
}

const width = 100;
const height = 24;

/** The rate at the top of the picture. A wild reading, as of a first millisecond, does not flatten the rest. */
export function topOf(samples: readonly Sample[]): number {
  const moving = samples.map((sample) => sample.value).filter((value) => value > 0).sort((a, b) => a - b);
  const median = moving[moving.length >> 1] ?? 1;
  return Math.max(1, Math.min(3 * median, moving.at(-1) ?? 1));
}

/** The curve's points: each sample holds until the next one, the last one until now. */
export function curve(samples: readonly Sample[], now: number, spanMs: number): [number, number][] {
  const top = topOf(samples);
  const points: [number, number][] = [];
  for (const { at, value } of samples) {
    const x = Math.max(0, width * (1 - (now - at) / spanMs));
    points.push([x, height - Math.min(1, value / top) * (height - 2)]);
  }
  const last = points.at(-1);
  if (last) points.push([width, last[1]]);
  return points;
}

/** A small picture of a rate over the last `spanMs`; decoration beside the number itself. */
export function Sparkline(props: { samples: readonly Sample[]; now: number; spanMs: number }) {
  const points = curve(props.samples, props.now, props.spanMs);
  const line = points.map(([x, y]) => `${x.toFixed(2)},${y.toFixed(2)}`).join(" L");
  const first = points[0]?.[0] ?? 0;
  return (
    <svg class="sparkline" viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
      {points.length > 1 && (
        <>
          <path class="sparkline-area" d={`M${first.toFixed(2)},${height} L${line} L${width},${height} Z`} />
          <path class="sparkline-line" d={`M${line}`} />
        </>
      )}
    </svg>
  );
}
