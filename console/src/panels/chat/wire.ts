import { topic } from "../../live/state";
import type { Link } from "../../live/wire";

// The topics of this panel, as `/events` sends them.

/** "filling": the WebSocket is lost, and polls fill the gap until it is back. */
export type BarState = "websocket" | "polling" | "filling" | "disconnected" | "running" | "down";

export interface Bar {
  at_ms: number;
  state: BarState;
}

export interface Mark {
  seq: number;
  at_ms: number;
  kind: string;
  text: string;
}

export interface ChatMessage {
  id: string;
  user: string;
  text: string;
  state: "sending" | "confirmed" | "failed";
  problem: string;
  /** Null until it came back out of the log. */
  offset: number | null;
}

export interface ClientFigures {
  received: number;
  lost: number;
  duplicated: number;
  out_of_order: number;
  resets: number;
  /** Held against the server's log; the page has no log to compare with. */
  compared?: number;
  different?: number;
}

/** One of the three who talk: A and B as the demo reports them, the page as it reports itself. */
export interface Client {
  id: string;
  user: string;
  mode: "disconnected" | "websocket" | "polling";
  filling: boolean;
  connecting: boolean;
  attempts: number;
  epoch: string;
  offset: number;
  unanswered: number;
  dropped_duplicates: number;
  figures: ClientFigures;
  burst_left: number;
  last_error: string;
  bars: readonly Bar[];
  marks: readonly Mark[];
  /** The newest first. */
  messages: readonly ChatMessage[];
}

export interface Chat {
  log: { epoch: string; head: number };
  clients: readonly Client[];
  /** Where the page's own link listens. */
  page: { websocket: string; http: string };
  server: { bars: readonly Bar[] };
}

/** A link of this panel remembers what was done to it. */
export interface ChatLink extends Link {
  marks: readonly Mark[];
}

export type LinkId = "a" | "b" | "page";

export const chat = topic<Chat>("chat");
export const links = topic<Record<LinkId, ChatLink>>("links");
