// Numbers for people. Sizes are powers of 1024, as everywhere in Tidewire.

const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** Three significant digits: 0 B, 512 B, 1.5 KiB, 12.3 MiB, 256 MiB. */
export function bytes(count: number): string {
  let unit = 0;
  let value = Math.max(0, count);
  // 1023.6 would be printed as 1024: the next unit already.
  while (value >= 1023.5 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? Math.round(value) : digits(value)} ${units[unit]}`;
}

export function rate(bytesPerSecond: number): string {
  return `${bytes(bytesPerSecond)}/s`;
}

function digits(value: number): string {
  const text = value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : value.toFixed(0);
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** 9 s, 1 min 05 s, 2 h 03 min. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const pad = (n: number) => String(n).padStart(2, "0");
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${pad(Math.floor((whole % 3600) / 60))} min`;
}

/** A moment on a download's own clock: 0:07.3, 12:40.0. */
export function moment(ms: number): string {
  const tenths = Math.floor(Math.max(0, ms) / 100);
  const seconds = Math.floor(tenths / 10);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}.${tenths % 10}`;
}

/** Rounded down: 100 % is for what is complete. */
export function percent(value: number): string {
  if (value >= 100) return "100 %";
  return `${(Math.floor(value * 10) / 10).toFixed(1)} %`;
}

export function count(n: number, noun: string, plural = `${noun}s`): string {
  return `${n} ${n === 1 ? noun : plural}`;
}

/** A digest in groups of eight, so that two of them can be compared by eye. */
export function digestGroups(hex: string): string[] {
  return hex.match(/.{1,8}/g) ?? [];
}
