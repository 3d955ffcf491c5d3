import { topic } from "../../live/state";

// The topic of this panel, as `/events` sends it.

export interface Notification {
  id: string;
  message: string;
  ts: string;
}

/** One poll that ended. */
export interface Poll {
  at_ms: number;
  /** 200: there was something; 304: nothing new; 0: no answer; others: an answer of no use. */
  status: number;
  /** How long is waited after it; null until that was chosen. */
  wait_ms: number | null;
}

export interface Notifications {
  user: string;
  in_flight: boolean;
  interval_ms: number;
  /** Failed polls in a row. */
  errors: number;
  polls: number;
  received: number;
  not_modified: number;
  failed: number;
  last_error: string;
  /** The newest first. */
  recent: readonly Notification[];
  history: readonly Poll[];
}

export const notifications = topic<Notifications>("notifications");
