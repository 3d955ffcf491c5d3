import type { Edges } from "./connection";
import { helloFrame, publishFrame, readFrame, type Cursor, type Frame } from "./wire";

export const connectTimeoutMs = 4_000;
export const pongTimeoutMs = 2_000;
const missedPings = 2;

export interface SocketOptions {
  edges: Edges;
  url: string;
  client: string;
  channel: string;
  cursor(): Cursor;
  frame(frame: Frame): void;
  /** At once for each open() that came to nothing, and when a socket that was open is no more. */
  lost(why: string, retryMs: number): void;
}

/** One WebSocket at a time, from hello to its end. Nothing is heard of an earlier one. */
export class Socket {
  private current: WebSocket | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly later = new Set<ReturnType<typeof setTimeout>>();
  private pingMs = 0;
  private missed = 0;
  private retryMs = 0;
  private why = "";

  constructor(private readonly options: SocketOptions) {}

  get busy(): boolean {
    return this.current !== null;
  }

  open(): void {
    this.drop();
    this.pingMs = this.missed = this.retryMs = 0;
    this.why = "";
    const mine = this.options.edges.openSocket(this.options.url);
    this.current = mine;
    this.after(connectTimeoutMs, () => this.end("no answer"));
    const live = (action: () => void) => () => {
      if (mine === this.current) action();
    };
    mine.onopen = live(() => {
      mine.send(helloFrame(this.options.client, this.options.channel, this.options.cursor()));
    });
    // A page is not told what the error was; the close that follows is as much as there is to know.
    mine.onclose = (event) => live(() => this.end(this.why || closeText(event)))();
    mine.onmessage = (event) => live(() => this.heard(event.data))();
  }

  publish(id: string, data: unknown): void {
    if (this.current?.readyState !== WebSocket.OPEN) return;
    this.current.send(publishFrame(id, this.options.channel, data));
  }

  /** On this socket alone: another one begins with all that is unanswered. */
  publishLater(id: string, data: unknown, delayMs: number): void {
    const timer = setTimeout(() => {
      this.later.delete(timer);
      this.publish(id, data);
    }, delayMs);
    this.later.add(timer);
  }

  close(): void {
    this.drop();
  }

  private heard(data: unknown) {
    this.missed = 0;
    if (this.pingMs > 0) this.after(this.pingMs, () => this.ping());
    const frame = typeof data === "string" ? readFrame(data, this.options.channel) : null;
    if (!frame) return;
    if (frame.t === "welcome") {
      this.pingMs = frame.pingMs;
      this.after(this.pingMs, () => this.ping());
    }
    if (frame.t === "bye") {
      this.retryMs = frame.retryMs;
      this.why = `the server said goodbye (${frame.why})`;
    }
    if (frame.t === "ping") this.current?.send(JSON.stringify({ t: "pong" }));
    this.options.frame(frame);
  }

  /** A page has no pings of the protocol's own. */
  private ping() {
    if (this.missed++ >= missedPings) return this.end("it fell silent");
    this.current?.send(JSON.stringify({ t: "ping" }));
    this.after(pongTimeoutMs, () => this.ping());
  }

  private end(why: string) {
    const { retryMs } = this;
    this.drop();
    this.options.lost(why, retryMs);
  }

  private drop() {
    clearTimeout(this.timer);
    for (const timer of this.later) clearTimeout(timer);
    this.later.clear();
    const old = this.current;
    this.current = null;
    old?.close();
  }

  private after(ms: number, action: () => void) {
    clearTimeout(this.timer);
    this.timer = setTimeout(action, ms);
  }
}

function closeText(event: CloseEvent): string {
  if (event.code === 1006) return "the connection broke";
  return event.reason ? `closed: ${event.reason}` : `closed with ${event.code}`;
}
