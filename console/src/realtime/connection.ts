import { Audit } from "./audit";
import { delayAfter, probeDelays, reconnectDelays } from "./delays";
import { DeliveryGate } from "./gate";
import { Outbox, type Publication } from "./outbox";
import { Poller } from "./poller";
import { Poster } from "./poster";
import { Socket } from "./socket";
import type { Cursor, Frame, Message } from "./wire";

export type Mode = "disconnected" | "websocket" | "polling";

/** What happened, for a picture over time. */
export type Note = "connected" | "lost" | "reset";

/** What the connection needs of the browser; tests bring their own. */
export interface Edges {
  openSocket(url: string): WebSocket;
  fetch: typeof fetch;
  random(): number;
}

export interface ConnectionOptions {
  socketUrl: string;
  pollUrl: string;
  client: string;
  channel: string;
  from: Cursor;
  unanswered?: readonly { id: string; data: unknown }[];
  publishedBefore?: number;
  deliver(message: Message): void;
  /** Something of mode, cursor, figures or publications changed. */
  changed(): void;
  note(kind: Note, text: string): void;
  edges: Edges;
}

export const maxReconnectAttempts = 3;
/** Polls fill the gap at most this much later, each page at a time of its own. */
const fillDelayMs = 500;

/**
 * One channel of the message hub over WebSocket, and over polls while there is none: in order, each once.
 * A first attempt that fails, or the last of three, leaves it polling; WebSocket is tried again for ever.
 */
export class Connection {
  mode: Mode = "disconnected";
  attempts = 0;
  lastError = "";
  readonly gate: DeliveryGate;
  readonly audit: Audit;
  readonly outbox: Outbox;
  private readonly socket: Socket;
  private readonly poller: Poller;
  private readonly poster: Poster;
  private opened = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private stopped = false;

  constructor(private readonly options: ConnectionOptions) {
    this.gate = new DeliveryGate(options.from);
    this.audit = new Audit(options.from);
    this.outbox = new Outbox(options.client, options.unanswered, options.publishedBefore);
    const { edges, channel, pollUrl } = options;
    this.socket = new Socket({
      edges, channel, url: options.socketUrl, client: options.client,
      cursor: () => this.gate.cursor,
      frame: (frame) => this.take(frame),
      lost: (why, retryMs) => this.lost(why, retryMs),
    });
    this.poller = new Poller({
      edges, channel, url: pollUrl,
      cursor: () => this.gate.cursor,
      page: (page) => this.offer(page.epoch, page.messages),
      gone: (gone) => this.reset({ epoch: gone.epoch, offset: gone.next }, gone.why),
      failed: (why) => this.trouble(why),
      changed: options.changed,
    });
    this.poster = new Poster({
      edges, channel, url: pollUrl, next: () => this.outbox.unanswered[0] ?? null,
      acked: (id, offset) => this.settle(this.outbox.acked(id, offset)),
      failed: (id, why) => this.settle(this.outbox.failed(id, why)),
      trouble: (why) => this.trouble(why),
    });
  }

  connect(): void {
    this.socket.open();
    this.options.changed();
  }

  /** The network is back, say: does not wait any longer. */
  nudge(): void {
    if (this.stopped || this.mode === "websocket" || this.socket.busy) return;
    clearTimeout(this.timer);
    this.socket.open();
  }

  /** Polls run though the mode says disconnected: they fill the gap until the WebSocket is back. */
  get filling(): boolean {
    return this.mode === "disconnected" && this.poller.running;
  }

  get connecting(): boolean {
    return this.socket.busy && this.mode !== "websocket";
  }

  /** Null: too much is on its way already. Sent by whatever way there is, until it is answered. */
  publish(make: (id: string) => unknown): Publication | null {
    const made = this.outbox.add(make);
    if (made) {
      if (this.mode === "websocket") this.socket.publish(made.id, made.data);
      else if (this.poller.running) this.poster.wake();
      this.options.changed();
    }
    return made;
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    this.socket.close();
    this.poller.stop();
    this.poster.stop();
  }

  private take(frame: Frame) {
    switch (frame.t) {
      case "welcome": return this.welcome(frame.epoch);
      case "msg": return this.offer(frame.epoch, [frame.message]);
      case "reset": return this.reset({ epoch: frame.epoch, offset: frame.head }, frame.why);
      case "ack": return this.settle(this.outbox.acked(frame.id, frame.offset));
      case "nack": return this.refused(frame.id, frame.why, frame.retryMs);
    }
  }

  // The log behind the cursor follows on this very socket, so that polls are needed no longer; what one
  // still brings is dropped at the gate.
  private welcome(epoch: string) {
    this.gate.adopt(epoch);
    this.opened = true;
    this.attempts = 0;
    this.poller.stop();
    this.poster.stop();
    this.become("websocket");
    for (const { id, data } of this.outbox.unanswered) this.socket.publish(id, data);
  }

  private refused(id: string, why: string, retryMs: number | null) {
    if (retryMs === null) return this.settle(this.outbox.failed(id, why));
    this.trouble(`the server asks to wait: ${why}`);
    const again = this.outbox.unanswered.find((one) => one.id === id);
    if (again) this.socket.publishLater(again.id, again.data, retryMs);
  }

  private lost(why: string, retryMs: number) {
    if (this.stopped) return;
    if (this.mode === "websocket") {
      this.mode = "disconnected";
      this.options.note("lost", `lost the WebSocket: ${why}`);
    } else {
      this.trouble(`WebSocket: ${why}`);
    }
    const { random } = this.options.edges;
    const enough = !this.opened || this.attempts >= maxReconnectAttempts;
    this.poller.start(enough ? 0 : random() * fillDelayMs);
    this.poster.wake();
    if (enough) this.become("polling");
    const delays = enough ? probeDelays : reconnectDelays;
    const delay = Math.max(retryMs, delayAfter(this.attempts, delays, random));
    this.attempts++;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.socket.open(), delay);
    this.options.changed();
  }

  private become(mode: Mode) {
    if (this.mode !== mode) {
      this.mode = mode;
      this.options.note("connected", `data flows by ${mode === "websocket" ? "WebSocket" : mode}`);
    }
    this.options.changed();
  }

  private offer(epoch: string, messages: readonly Message[]) {
    for (const message of this.gate.offer(epoch, messages)) {
      this.audit.took(message.offset);
      this.outbox.acked(message.id, message.offset);
      this.options.deliver(message);
    }
    this.audit.claims(this.gate.cursor);
    if (this.gate.hasGap && this.mode === "websocket") this.poller.once();
    this.options.changed();
  }

  private reset(to: { epoch: string; offset: number }, why: string) {
    if (!this.gate.reset(to.epoch, to.offset)) return;
    this.audit.reset(to);
    this.options.note("reset", `the log is another one: ${why}`);
    this.options.changed();
  }

  private settle(news: boolean) {
    if (news) this.options.changed();
  }

  private trouble(why: string) {
    this.lastError = why;
    this.options.changed();
  }
}
