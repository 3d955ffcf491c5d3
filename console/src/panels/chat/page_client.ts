import { signal } from "@preact/signals";
import { demoNow } from "../../live/demo_clock";
import { Connection } from "../../realtime/connection";
import type { Message } from "../../realtime/wire";
import { recallChat, rememberChat, type Kept } from "./memory";
import type { Bar, BarState, Chat, ChatMessage, Client, Mark } from "./wire";

const mostBars = 160;
const mostMarks = 60;
const mostMessages = 30;

/** The page as a client of the message hub, like A and B; null until the panel was opened. */
export const pageClient = signal<Client | null>(null);

function chatMessage(message: Message): ChatMessage {
  const data = (message.data ?? {}) as { text?: unknown; userId?: unknown };
  const text = typeof data.text === "string" ? data.text : JSON.stringify(message.data) ?? "";
  const user = typeof data.userId === "string" ? data.userId : message.user;
  return { id: message.id, user, text, state: "confirmed", problem: "", offset: message.offset };
}

class PageClient {
  private readonly connection: Connection;
  private readonly bars: Bar[] = [];
  private readonly marks: Mark[] = [];
  private messages: ChatMessage[];
  private marked = 0;
  private telling = false;

  constructor(where: Chat["page"], private readonly kept: Kept) {
    this.messages = kept.messages.slice(0, mostMessages);
    this.connection = new Connection({
      socketUrl: `${where.websocket.replace(/^http/, "ws")}/realtime/page`,
      pollUrl: `${where.http}/messages`,
      client: kept.client,
      channel: "chat",
      from: { epoch: kept.epoch, offset: kept.offset },
      unanswered: kept.unanswered,
      publishedBefore: kept.published,
      deliver: (message) => {
        this.messages = [chatMessage(message), ...this.messages].slice(0, mostMessages);
      },
      changed: () => this.changed(),
      note: (kind, text) => this.mark(kind, text),
      edges: {
        openSocket: (url) => new WebSocket(url),
        fetch: (input, init) => fetch(input, init),
        random: Math.random,
      },
    });
    this.become("disconnected");
    this.connection.connect();
    window.addEventListener("online", () => this.connection.nudge());
    window.addEventListener("pagehide", () => this.remember());
    window.addEventListener("pageshow", () => recallChat());
  }

  send(text: string): boolean {
    const make = (id: string) => ({ id, text, userId: "Page", timestamp: new Date().toISOString() });
    return this.connection.publish(make) !== null;
  }

  stop() {
    this.connection.stop();
  }

  private mark(kind: string, text: string) {
    this.marks.push({ seq: ++this.marked, at_ms: demoNow(), kind, text });
    if (this.marks.length > mostMarks) this.marks.shift();
  }

  private become(state: BarState) {
    if (this.bars.at(-1)?.state === state) return;
    this.bars.push({ at_ms: demoNow(), state });
    if (this.bars.length > mostBars) this.bars.shift();
  }

  /** A burst of changes is drawn once. */
  private changed() {
    // The connection speaks while it is still being made.
    if (!this.connection) return;
    this.become(this.connection.filling ? "filling" : this.connection.mode);
    if (this.telling) return;
    this.telling = true;
    queueMicrotask(() => {
      this.telling = false;
      pageClient.value = this.state();
    });
  }

  private state(): Client {
    const { connection } = this;
    const { epoch, offset } = connection.gate.cursor;
    const own = connection.outbox.publications.filter((one) => one.state !== "acked");
    const pending = own.map((one): ChatMessage => ({
      id: one.id, user: "Page", text: String((one.data as { text?: unknown }).text ?? ""),
      state: one.state === "failed" ? "failed" : "sending", problem: one.problem, offset: null,
    }));
    return {
      id: "page", user: "Page", mode: connection.mode, filling: connection.filling, connecting: connection.connecting,
      attempts: connection.attempts, epoch: epoch ?? "", offset, unanswered: connection.outbox.unanswered.length,
      dropped_duplicates: connection.gate.dropped, figures: connection.audit.figures, burst_left: 0,
      last_error: connection.lastError, bars: [...this.bars], marks: [...this.marks],
      messages: [...pending.reverse(), ...this.messages].slice(0, mostMessages),
    };
  }

  private remember() {
    const { epoch, offset } = this.connection.gate.cursor;
    const unanswered = this.connection.outbox.unanswered.map(({ id, data }) => ({ id, data }));
    rememberChat({
      client: this.kept.client, epoch, offset, published: this.connection.outbox.count, unanswered, messages: this.messages,
    });
  }
}

let client: PageClient | null = null;

/** Begins when the panel is first opened, and stays for as long as the page does. */
export function joinChat(where: Chat["page"]): void {
  client ??= new PageClient(where, recallChat());
}

/** False: too much is on its way already, or the page has not joined. */
export function sendFromPage(text: string): boolean {
  return client?.send(text) ?? false;
}

/** The demo that this page came from is gone: its links are, too. */
export function leaveChat(): void {
  client?.stop();
  client = null;
  pageClient.value = null;
}
