// What `/events` says about the demo itself. Each panel describes its own topics in its own folder.

export interface Demo {
  version: string;
  instance: string;
}

export interface LinkCounters {
  connections: number;
  open: number;
  bytes_up: number;
  bytes_down: number;
  reset: number;
  stalled: number;
  refused: number;
}

/** The faults that a person can set. */
export interface LinkFaults {
  latency_ms: number;
  jitter_ms: number;
  loss_percent: number;
  /** 0: unlimited. */
  bytes_per_second: number;
  reset_percent_per_mib: number;
  offline: boolean;
  /** Of links with two doors: the one for WebSocket is shut. */
  block_websocket?: boolean;
}

export interface Link extends LinkFaults {
  /** What is left of a stall. */
  stalled_ms: number;
  /** What is left of a WebSocket that looks open and swallows everything. */
  half_open_ms?: number;
  counters: LinkCounters;
}

export interface Server {
  state: "running" | "down";
  restarts: number;
  address: string;
}
