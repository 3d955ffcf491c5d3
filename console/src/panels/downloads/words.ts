import { bytes, duration } from "../../ui/format";
import type { Download, State } from "./wire";

// What the panel says about a download.

const stateWords: Record<State, string> = {
  running: "Downloading",
  pausing: "Pausing…",
  paused: "Paused",
  killed: "Killed",
  done: "Done",
  failed: "Failed",
};

const phaseWords: Record<string, string> = {
  connecting: "Connecting",
  waiting: "Waiting to retry",
  verifying: "Verifying",
};

export function stateText(download: Download): string {
  if (download.state === "running" && download.phase) return phaseWords[download.phase] ?? stateWords.running;
  return stateWords[download.state] ?? download.state;
}

export type Tone = "busy" | "wait" | "good" | "bad" | "rest";

export function toneOf(download: Download): Tone {
  switch (download.state) {
    case "done": return digestVerdict(download) === "differs" ? "bad" : "good";
    case "failed":
    case "killed": return "bad";
    case "paused":
    case "pausing": return "rest";
    case "running": return download.phase === "waiting" || download.phase === "connecting" ? "wait" : "busy";
  }
}

/** "12.3 of 64 MiB", or what is there of an unknown size. */
export function amount(download: Download): string {
  const { downloaded_bytes, total_bytes } = download;
  return total_bytes === null ? bytes(downloaded_bytes) : `${bytes(downloaded_bytes)} of ${bytes(total_bytes)}`;
}

export function remaining(download: Download): string | null {
  if (download.state !== "running" || download.remaining_seconds === null) return null;
  return `${duration(download.remaining_seconds)} left`;
}

/** A result counts the seconds of its own run, not those of the runs that were killed before. */
export function took(download: Download): string {
  const seconds = `${(download.result?.seconds ?? 0).toFixed(1)} s`;
  return download.resumed_bytes > 0 ? `last run ${seconds}` : `in ${seconds}`;
}

export type DigestVerdict = "same" | "differs" | "alone" | "none";

export function digestVerdict(download: Download): DigestVerdict {
  const actual = download.result?.sha256;
  if (!actual) return "none";
  if (!download.expected_sha256) return "alone";
  return actual.toLowerCase() === download.expected_sha256.toLowerCase() ? "same" : "differs";
}

/** What a screen reader is told when the list changed; changes of state only, not each percent. */
export function announcement(before: readonly Download[], after: readonly Download[]): string {
  const said: string[] = [];
  for (const download of after) {
    const old = before.find((one) => one.id === download.id);
    if (old?.state === download.state) continue;
    const digest = digestVerdict(download) === "same" ? ", the digest is the expected one" : "";
    said.push(`${download.name}: ${(stateWords[download.state] ?? download.state).toLowerCase()}${digest}.`);
  }
  return said.join(" ");
}
