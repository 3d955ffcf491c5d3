// What the page and the message hub say to each other (docs/realtime.md, "The backend's channels").

/** A place in a channel's log: everything up to `offset` was seen. Without an epoch: of whatever log there is. */
export interface Cursor {
  epoch: string | null;
  offset: number;
}

export interface Message {
  offset: number;
  id: string;
  user: string;
  data: unknown;
}

export type Frame =
  | { t: "welcome"; epoch: string; head: number; pingMs: number }
  | { t: "msg"; epoch: string; message: Message }
  | { t: "ack"; id: string; offset: number }
  | { t: "nack"; id: string; why: string; retryMs: number | null }
  | { t: "reset"; epoch: string; head: number; why: string }
  | { t: "bye"; why: string; retryMs: number }
  | { t: "pong" }
  | { t: "ping" };

export interface Page {
  epoch: string;
  next: number;
  head: number;
  more: boolean;
  messages: Message[];
}

export interface Gone {
  epoch: string;
  next: number;
  why: string;
}

type Fields = Record<string, unknown>;

const isFields = (value: unknown): value is Fields => typeof value === "object" && value !== null;
const isOffset = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isText = (value: unknown): value is string => typeof value === "string";

function parse(text: string): Fields | null {
  try {
    const value: unknown = JSON.parse(text);
    return isFields(value) ? value : null;
  } catch {
    return null;
  }
}

function messageOf(fields: Fields): Message | null {
  const { off, id, user, d } = fields;
  if (!isOffset(off) || off === 0 || !isText(id)) return null;
  return { offset: off, id, user: isText(user) ? user : "", data: d };
}

/** A frame about `channel`, or about none. Null for what this page has no use for: it is passed over. */
export function readFrame(text: string, channel: string): Frame | null {
  const fields = parse(text);
  if (!fields) return null;
  const { t, ch, id, epoch, head, off, why } = fields;
  const retryMs = isOffset(fields.retry_ms) ? fields.retry_ms : null;
  if (isText(ch) && ch !== channel) return null;
  switch (t) {
    case "welcome": return readWelcome(fields, channel);
    case "msg": {
      const message = messageOf(fields);
      return message && isText(epoch) ? { t, epoch, message } : null;
    }
    case "ack": return isText(id) && isOffset(off) ? { t, id, offset: off } : null;
    case "nack": return isText(id) ? { t, id, why: isText(why) ? why : "", retryMs } : null;
    case "reset": return isText(epoch) && isOffset(head) ? { t, epoch, head, why: isText(why) ? why : "" } : null;
    case "bye": return { t, why: isText(why) ? why : "", retryMs: retryMs ?? 0 };
    case "ping":
    case "pong": return { t };
    default: return null;
  }
}

function readWelcome(fields: Fields, channel: string): Frame | null {
  const mine = isFields(fields.channels) ? fields.channels[channel] : null;
  if (!isFields(mine) || !isText(mine.epoch) || !isOffset(mine.head)) return null;
  const pingMs = isOffset(fields.ping_ms) && fields.ping_ms > 0 ? fields.ping_ms : 25_000;
  return { t: "welcome", epoch: mine.epoch, head: mine.head, pingMs };
}

/** The answer to a poll that found its place in the log. */
export function readPage(text: string): Page | null {
  const fields = parse(text);
  if (!fields || !Array.isArray(fields.messages)) return null;
  const { epoch, next, head, more } = fields;
  if (!isText(epoch) || !isOffset(next) || !isOffset(head)) return null;
  const messages = fields.messages.map((one: unknown) => (isFields(one) ? messageOf(one) : null));
  if (messages.includes(null)) return null;
  return { epoch, next, head, more: more === true, messages: messages as Message[] };
}

/** The answer to a poll whose cursor is of no use (410). */
export function readGone(text: string): Gone | null {
  const fields = parse(text);
  if (!fields || !isText(fields.epoch) || !isOffset(fields.next)) return null;
  return { epoch: fields.epoch, next: fields.next, why: isText(fields.why) ? fields.why : "epoch" };
}

export function helloFrame(client: string, channel: string, at: Cursor): string {
  const place = at.epoch === null ? { since: at.offset } : { epoch: at.epoch, since: at.offset };
  return JSON.stringify({ t: "hello", v: 1, client, channels: { [channel]: place } });
}

export function publishFrame(id: string, channel: string, data: unknown): string {
  return JSON.stringify({ t: "pub", id, ch: channel, d: data });
}

export function pollQuery(channel: string, at: Cursor, waitSeconds: number): string {
  const query = new URLSearchParams({ ch: channel, since: String(at.offset), limit: "500", wait: String(waitSeconds) });
  if (at.epoch !== null) query.set("epoch", at.epoch);
  return query.toString();
}
