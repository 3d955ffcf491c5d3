import { reconnectDelay } from "./backoff";

export type Status = "connecting" | "live" | "reconnecting";

/** The demo sends something each 10 s: silence for longer than this means that nobody is there. */
export const silenceMs = 25_000;
/** A connection that has not said anything for this long after its start is not going to. */
export const openingMs = 5_000;

export interface StreamOptions {
  url: string;
  topics: readonly string[];
  receive(topic: string, data: string): void;
  status(status: Status): void;
  /** For tests. */
  open?: (url: string) => EventSource;
  random?: () => number;
}

export interface Stream {
  /** Connects at once if it was waiting to. */
  nudge(): void;
  close(): void;
}

/**
 * Server-sent events that come back. EventSource alone does not notice a peer that fell silent, gives up
 * on some errors, and reconnects in step with every other page: so each failure closes it, and the
 * next one is opened here.
 */
export function openStream(options: StreamOptions): Stream {
  const open = options.open ?? ((url) => new EventSource(url));
  let source: EventSource | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let attempt = 0;

  function after(ms: number, action: () => void) {
    clearTimeout(timer);
    timer = setTimeout(action, ms);
  }

  function disconnect() {
    clearTimeout(timer);
    source?.close();
    source = null;
  }

  function fail() {
    disconnect();
    options.status("reconnecting");
    after(reconnectDelay(attempt++, options.random), connect);
  }

  function connect() {
    disconnect();
    const mine = open(options.url);
    source = mine;
    after(openingMs, fail);
    mine.onerror = () => {
      if (mine === source) fail();
    };
    const heard = (topic: string) => (event: MessageEvent<string>) => {
      if (mine !== source) return;
      attempt = 0;
      options.status("live");
      // Renewing is silent: every topic comes again with a new connection.
      after(silenceMs, connect);
      options.receive(topic, event.data);
    };
    for (const topic of [...options.topics, "alive"]) mine.addEventListener(topic, heard(topic));
  }

  options.status("connecting");
  connect();
  return {
    nudge() {
      if (!source) connect();
    },
    close: disconnect,
  };
}
