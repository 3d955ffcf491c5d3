import { topic } from "../../live/state";

// The topics of this panel, as `/events` sends them.

export interface OfferedFile {
  name: string;
  bytes: number;
  sha256: string | null;
  note: string;
}

export type State = "running" | "pausing" | "paused" | "killed" | "done" | "failed";
export type Phase = "connecting" | "downloading" | "waiting" | "verifying" | "complete";
/** Begin and end; the end is not part of it. */
export type Range = readonly [number, number];

export interface Segment {
  connection: number;
  begin: number;
  position: number;
  end: number;
  bytes_per_second: number;
}

export interface Journal {
  exists: boolean;
  held_bytes: number;
  durable_bytes: number;
}

export interface DownloadEvent {
  seq: number;
  at_ms: number;
  kind: string;
  connection: number | null;
  text: string;
}

export interface Result {
  outcome: string;
  exit_code: number;
  message: string;
  sha256: string | null;
  bytes: number;
  seconds: number;
}

export interface Download {
  id: string;
  source: string;
  name: string;
  state: State;
  phase: Phase | null;
  downloaded_bytes: number;
  resumed_bytes: number;
  total_bytes: number | null;
  percentage: number | null;
  bytes_per_second: number;
  remaining_seconds: number | null;
  generation: number;
  requests: number | null;
  retries: number;
  restarts: number;
  kills: number;
  held: readonly Range[];
  segments: readonly Segment[];
  journal: Journal | null;
  expected_sha256: string | null;
  events: readonly DownloadEvent[];
  result: Result | null;
}

export const files = topic<readonly OfferedFile[]>("files");
export const downloads = topic<readonly Download[]>("downloads");
