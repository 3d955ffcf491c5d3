import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Connection, maxReconnectAttempts, type Note } from "./connection";
import { connectTimeoutMs, pongTimeoutMs } from "./socket";
import type { Cursor, Message } from "./wire";

/** A WebSocket that does what the test says. */
class FakeSocket {
  static readonly OPEN = 1;
  readyState = 0;
  sent: any[] = [];
  onopen: (() => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  send(text: string) {
    this.sent.push(JSON.parse(text));
  }
  close() {
    this.readyState = 3;
  }
  opens() {
    this.readyState = 1;
    this.onopen!();
  }
  says(frame: unknown) {
    this.onmessage!({ data: typeof frame === "string" ? frame : JSON.stringify(frame) });
  }
  breaks(code = 1006, reason = "") {
    this.readyState = 3;
    this.onclose!({ code, reason });
  }
  welcomes(head = 0) {
    this.opens();
    this.says({ t: "welcome", channels: { chat: { epoch: "e", recovered: true, head } }, ping_ms: 3000 });
  }
  brings(...offsets: number[]) {
    for (const off of offsets) this.says({ t: "msg", ch: "chat", epoch: "e", off, id: `m${off}`, d: { text: `${off}` } });
  }
}

interface Request {
  url: URL;
  init: RequestInit;
  answer(status: number, body?: unknown, headers?: Record<string, string>): Promise<void>;
  fail(): Promise<void>;
}

let sockets: FakeSocket[];
let requests: Request[];
let delivered: number[];
let notes: [Note, string][];

const settle = () => vi.advanceTimersByTimeAsync(0).then(() => {});
const page = (next: number, ...offsets: number[]) => ({
  epoch: "e", next, head: next, more: false, messages: offsets.map((off) => ({ off, id: `m${off}`, d: { text: `${off}` } })),
});

function fakeFetch(input: string | URL | globalThis.Request, init: RequestInit = {}): Promise<Response> {
  return new Promise((resolve, reject) => {
    init.signal?.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
    requests.push({
      url: new URL(String(input)), init,
      answer: (status, body = "", headers = {}) => {
        const text = status === 204 || status === 304 ? null : JSON.stringify(body);
        resolve(new Response(text, { status, headers }));
        return settle().then(settle);
      },
      fail: () => {
        reject(new TypeError("network"));
        return settle().then(settle);
      },
    });
  });
}

function open(from: Cursor = { epoch: null, offset: 0 }, random = 0) {
  const connection = new Connection({
    socketUrl: "ws://hub/realtime/page", pollUrl: "http://hub/messages", client: "c", channel: "chat", from,
    deliver: (message: Message) => delivered.push(message.offset),
    changed: () => {},
    note: (kind, text) => notes.push([kind, text]),
    edges: {
      openSocket: () => {
        const socket = new FakeSocket();
        sockets.push(socket);
        return socket as unknown as WebSocket;
      },
      fetch: fakeFetch as typeof fetch,
      random: () => random,
    },
  });
  connection.connect();
  return connection;
}

const polls = () => requests.filter((one) => !one.init.method);
const posts = () => requests.filter((one) => one.init.method === "POST");
const last = <T>(all: T[]) => all.at(-1)!;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", FakeSocket);
  sockets = [];
  requests = [];
  delivered = [];
  notes = [];
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("it says hello where it was, and delivers what follows in order", () => {
  const connection = open({ epoch: "e", offset: 4 });
  sockets[0]!.welcomes(6);
  expect(sockets[0]!.sent[0]).toMatchObject({ t: "hello", channels: { chat: { epoch: "e", since: 4 } } });
  sockets[0]!.brings(5, 6, 6);
  expect(delivered).toEqual([5, 6]);
  expect(connection.mode).toBe("websocket");
  expect(connection.audit.figures).toMatchObject({ received: 2, lost: 0, duplicated: 0 });
  expect(requests).toEqual([]);
});

test("a first connection that fails polls at once, and WebSocket is tried on", async () => {
  const connection = open();
  sockets[0]!.breaks();
  expect(connection.mode).toBe("polling");
  await settle();
  expect(last(polls()).url.searchParams.get("since")).toBe("0");
  await last(polls()).answer(200, page(2, 1, 2));
  expect(delivered).toEqual([1, 2]);
  await vi.advanceTimersByTimeAsync(1000);
  expect(sockets.length).toBe(2);
  sockets[1]!.welcomes(2);
  expect(connection.mode).toBe("websocket");
  expect(last(polls()).init.signal!.aborted).toBe(true);
  sockets[1]!.brings(3);
  expect(delivered).toEqual([1, 2, 3]);
});

test("a socket that is lost is opened again, polls fill the gap, and the third failure leaves it polling", async () => {
  const connection = open();
  sockets[0]!.welcomes();
  sockets[0]!.brings(1);
  sockets[0]!.breaks();
  expect(connection.mode).toBe("disconnected");
  await settle();
  expect(connection.filling).toBe(true);
  await last(polls()).answer(200, page(2, 2));
  expect(delivered).toEqual([1, 2]);
  for (let attempt = 1; attempt <= maxReconnectAttempts; attempt++) {
    expect(connection.mode).toBe("disconnected");
    await vi.advanceTimersByTimeAsync(1);
    expect(sockets.length).toBe(attempt + 1);
    last(sockets).breaks();
  }
  expect(connection.mode).toBe("polling");
  for (let probe = 0; probe < 10; probe++) {
    await vi.advanceTimersByTimeAsync(1000);
    last(sockets).breaks();
  }
  expect(sockets.length).toBe(1 + maxReconnectAttempts + 10);
  await vi.advanceTimersByTimeAsync(1000);
  last(sockets).welcomes(2);
  expect(connection.mode).toBe("websocket");
  expect(connection.attempts).toBe(0);
  expect(notes.map(([kind]) => kind)).toEqual(["connected", "lost", "connected", "connected"]);
});

test("a server that upgrades and says nothing is given up", async () => {
  const connection = open();
  sockets[0]!.opens();
  await vi.advanceTimersByTimeAsync(connectTimeoutMs);
  expect(connection.mode).toBe("polling");
  sockets[0]!.welcomes();
  expect(connection.mode).toBe("polling");
});

test("silence is asked about, and twice unanswered it is death; any frame is life", async () => {
  const connection = open();
  sockets[0]!.welcomes();
  await vi.advanceTimersByTimeAsync(3000);
  expect(last(sockets[0]!.sent)).toEqual({ t: "ping" });
  sockets[0]!.says({ t: "pong" });
  await vi.advanceTimersByTimeAsync(2999);
  expect(connection.mode).toBe("websocket");
  await vi.advanceTimersByTimeAsync(1 + 2 * pongTimeoutMs);
  expect(connection.mode).toBe("disconnected");
  expect(last(notes)[1]).toContain("silent");
  sockets[0]!.brings(9);
  expect(delivered).toEqual([]);
});

test("a message is acknowledged, by its answer or by its echo", () => {
  const connection = open();
  sockets[0]!.welcomes();
  const one = connection.publish(() => ({ text: "hi" }))!;
  const two = connection.publish(() => ({ text: "ho" }))!;
  expect(last(sockets[0]!.sent)).toEqual({ t: "pub", id: "c:2", ch: "chat", d: { text: "ho" } });
  sockets[0]!.says({ t: "ack", id: "c:1", off: 1, dup: false });
  sockets[0]!.says({ t: "msg", ch: "chat", epoch: "e", off: 1, id: "c:1", d: {} });
  sockets[0]!.says({ t: "msg", ch: "chat", epoch: "e", off: 2, id: "c:2", d: {} });
  expect([one, two].map((all) => [all.state, all.offset])).toEqual([["acked", 1], ["acked", 2]]);
});

test("what was not answered is sent again on the next socket, with the same id", async () => {
  const connection = open();
  sockets[0]!.welcomes();
  connection.publish(() => "a");
  sockets[0]!.breaks();
  await vi.advanceTimersByTimeAsync(1);
  sockets[1]!.welcomes();
  expect(last(sockets[1]!.sent)).toMatchObject({ t: "pub", id: "c:1" });
});

test("without a socket it is posted, one at a time and until it is answered", async () => {
  const connection = open();
  sockets[0]!.breaks();
  await settle();
  const one = connection.publish(() => "a")!;
  const two = connection.publish(() => "b")!;
  expect(posts().length).toBe(1);
  await last(posts()).answer(503, {}, { "Retry-After": "2" });
  await vi.advanceTimersByTimeAsync(1999);
  expect(posts().length).toBe(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(posts().length).toBe(2);
  expect(new Headers(last(posts()).init.headers).get("Idempotency-Key")).toBe("c:1");
  await last(posts()).fail();
  await vi.advanceTimersByTimeAsync(300);
  await last(posts()).answer(200, { off: 7, dup: true });
  expect(one).toMatchObject({ state: "acked", offset: 7 });
  await last(posts()).answer(422, {});
  expect(two.state).toBe("failed");
  expect(two.problem).toContain("422");
});

test("a refusal is final, a request to wait is not", async () => {
  const connection = open();
  sockets[0]!.welcomes();
  const no = connection.publish(() => 1)!;
  const wait = connection.publish(() => 2)!;
  sockets[0]!.says({ t: "nack", id: "c:1", why: "forbidden" });
  sockets[0]!.says({ t: "nack", id: "c:2", why: "rate", retry_ms: 500 });
  expect([no.state, no.problem, wait.state]).toEqual(["failed", "forbidden", "sending"]);
  const before = sockets[0]!.sent.length;
  await vi.advanceTimersByTimeAsync(500);
  expect(sockets[0]!.sent.slice(before)).toEqual([{ t: "pub", id: "c:2", ch: "chat", d: 2 }]);
});

test("another log is one reset, by whatever way it is told", async () => {
  const connection = open({ epoch: "old", offset: 9 });
  sockets[0]!.welcomes(3);
  sockets[0]!.says({ t: "reset", ch: "chat", epoch: "e", head: 3, why: "epoch" });
  sockets[0]!.brings(4);
  expect(delivered).toEqual([4]);
  sockets[0]!.breaks();
  await settle();
  await last(polls()).answer(410, { epoch: "f", next: 0, why: "epoch" });
  expect(connection.gate.cursor).toEqual({ epoch: "f", offset: 0 });
  expect(connection.audit.figures).toMatchObject({ resets: 2, lost: 0, received: 1 });
});

test("a gap is fetched", async () => {
  open();
  sockets[0]!.welcomes();
  sockets[0]!.brings(1, 3);
  expect(delivered).toEqual([1]);
  expect(last(polls()).url.searchParams.get("since")).toBe("1");
  await last(polls()).answer(200, page(3, 2, 3));
  expect(delivered).toEqual([1, 2, 3]);
});

test("a farewell names the time to come back", async () => {
  open();
  sockets[0]!.welcomes();
  sockets[0]!.says({ t: "bye", why: "drain", retry_ms: 2500 });
  sockets[0]!.breaks(1012);
  await vi.advanceTimersByTimeAsync(2499);
  expect(sockets.length).toBe(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(sockets.length).toBe(2);
  expect(last(notes)[1]).toContain("drain");
});

test("nonsense changes nothing, and a server that holds nothing back is not hammered", async () => {
  const connection = open();
  sockets[0]!.opens();
  for (const text of ["", "{", "[]", '{"t":"msg"}', '{"t":"welcome"}']) sockets[0]!.says(text);
  expect(connection.mode).toBe("disconnected");
  sockets[0]!.breaks();
  await settle();
  await last(polls()).answer(200, page(0));
  expect(polls().length).toBe(1);
  await vi.advanceTimersByTimeAsync(999);
  expect(polls().length).toBe(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(polls().length).toBe(2);
  await last(polls()).answer(200, "<html>");
  expect(connection.lastError).toContain("200");
});

test("stopping leaves no timer, and nothing is heard after it", async () => {
  const connection = open();
  sockets[0]!.welcomes();
  connection.publish(() => 1);
  sockets[0]!.breaks();
  await settle();
  connection.stop();
  await settle();
  expect(vi.getTimerCount()).toBe(0);
  sockets[0]!.brings(1);
  expect(delivered).toEqual([]);
});
