// What the processes of a run share with the driver: lines of words come in, lines of JSON go out.
import {createInterface} from "node:readline";

// Seconds on CLOCK_MONOTONIC, which all processes of a run share.
export const now = () => Number(process.hrtime.bigint()) / 1e9;

// Seconds of user and system time that this process has used.
export function cpu() {
  const used = process.cpuUsage();
  return (used.user + used.system) / 1e6;
}

export const say = (object) => process.stdout.write(JSON.stringify(object) + "\n");

export function onCommands(obey) {
  const lines = createInterface({input: process.stdin});
  lines.on("line", (line) => obey(line.trim().split(/\s+/)));
  lines.on("close", () => process.exit(0));
}

// `name value` pairs behind the role.
export function options() {
  const words = process.argv.slice(3), all = {};
  for (let i = 0; i + 1 < words.length; i += 2) all[words[i]] = words[i + 1];
  return all;
}

export function percentile(sorted, share) {
  return sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] : 0;
}
