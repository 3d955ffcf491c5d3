import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openingMs, openStream, silenceMs, type Status } from "./stream";

/** An EventSource that does what the test says. */
class FakeSource extends EventTarget {
  closed = false;
  onerror: (() => void) | null = null;
  close() {
    this.closed = true;
  }
  say(topic: string, data: string) {
    this.dispatchEvent(new MessageEvent(topic, { data }));
  }
}

let sources: FakeSource[];
let statuses: Status[];
let received: [string, string][];

function open(random = 0) {
  return openStream({
    url: "/events",
    topics: ["link"],
    receive: (topic, data) => received.push([topic, data]),
    status: (status) => {
      if (statuses.at(-1) !== status) statuses.push(status);
    },
    open: () => {
      const source = new FakeSource();
      sources.push(source);
      return source as unknown as EventSource;
    },
    random: () => random,
  });
}

beforeEach(() => {
  vi.useFakeTimers();
  sources = [];
  statuses = [];
  received = [];
});
afterEach(() => void vi.useRealTimers());

test("it is live when the demo has spoken, not before", () => {
  open();
  expect(statuses).toEqual(["connecting"]);
  sources[0]!.say("link", "{}");
  expect(statuses).toEqual(["connecting", "live"]);
  expect(received).toEqual([["link", "{}"]]);
});

test("an error closes, and reconnects after a delay", () => {
  open();
  sources[0]!.say("link", "1");
  sources[0]!.onerror!();
  expect(sources[0]!.closed).toBe(true);
  expect(statuses.at(-1)).toBe("reconnecting");
  vi.advanceTimersByTime(499);
  expect(sources.length).toBe(1);
  vi.advanceTimersByTime(1);
  expect(sources.length).toBe(2);
  sources[1]!.say("link", "2");
  expect(statuses.at(-1)).toBe("live");
});

test("the delay grows with failures, and starts again after a success", () => {
  open(1);
  const delays = [1000, 2000, 4000, 8000, 10_000, 10_000];
  delays.forEach((delay, index) => {
    sources[index]!.onerror!();
    vi.advanceTimersByTime(delay - 1);
    expect(sources.length).toBe(index + 1);
    vi.advanceTimersByTime(1);
    expect(sources.length).toBe(index + 2);
  });
  sources.at(-1)!.say("link", "1");
  sources.at(-1)!.onerror!();
  vi.advanceTimersByTime(1000);
  expect(sources.length).toBe(delays.length + 2);
});

test("a connection that says nothing at all is given up", () => {
  open();
  vi.advanceTimersByTime(openingMs);
  expect(sources[0]!.closed).toBe(true);
  expect(statuses.at(-1)).toBe("reconnecting");
});

test("silence renews the connection, and only a failed renewal is said", () => {
  open();
  sources[0]!.say("link", "1");
  vi.advanceTimersByTime(silenceMs);
  expect(sources[0]!.closed).toBe(true);
  expect(sources.length).toBe(2);
  expect(statuses.at(-1)).toBe("live");
  vi.advanceTimersByTime(openingMs);
  expect(statuses.at(-1)).toBe("reconnecting");
});

test("the demo's sign of life keeps a quiet connection", () => {
  open();
  sources[0]!.say("link", "1");
  for (let i = 0; i < 10; i++) {
    vi.advanceTimersByTime(silenceMs - 1);
    sources[0]!.say("alive", "{}");
  }
  expect(sources.length).toBe(1);
});

test("nothing comes from a connection that was given up", () => {
  open();
  sources[0]!.onerror!();
  sources[0]!.say("link", "late");
  sources[0]!.onerror!();
  expect(received).toEqual([]);
  vi.advanceTimersByTime(500);
  expect(sources.length).toBe(2);
});

test("a nudge does not wait, and leaves a living connection alone", () => {
  const stream = open(1);
  stream.nudge();
  expect(sources.length).toBe(1);
  sources[0]!.onerror!();
  stream.nudge();
  expect(sources.length).toBe(2);
  vi.advanceTimersByTime(1000);
  expect(sources.length).toBe(2);
});

test("closing leaves no timer", () => {
  open().close();
  expect(sources[0]!.closed).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});
