import type { Edges } from "./connection";
import { delayAfter, retryDelays } from "./delays";
import type { Publication } from "./outbox";
import { retryAfterMs } from "./retry_after";

const timeoutMs = 15_000;
/** Statuses that say: the same again, later. */
const later = new Set([408, 425, 429]);

export interface PosterOptions {
  edges: Edges;
  url: string;
  channel: string;
  next(): Publication | null;
  acked(id: string, offset: number): void;
  failed(id: string, why: string): void;
  trouble(why: string): void;
}

/** Publishes by HTTP, one after another, each until it is answered: its key makes it be in the log once. */
export class Poster {
  private abort: AbortController | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private failures = 0;

  constructor(private readonly options: PosterOptions) {}

  wake(): void {
    if (this.abort) return;
    const next = this.options.next();
    if (next) void this.send(next);
  }

  stop(): void {
    clearTimeout(this.timer);
    this.abort?.abort();
    this.abort = null;
    this.failures = 0;
  }

  private async send(publication: Publication) {
    const mine = new AbortController();
    this.abort = mine;
    const late = setTimeout(() => mine.abort(), timeoutMs);
    const delay = await this.post(mine, publication);
    clearTimeout(late);
    if (this.abort !== mine) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      if (this.abort !== mine) return;
      this.abort = null;
      this.wake();
    }, delay);
  }

  private async post(mine: AbortController, { id, data }: Publication): Promise<number> {
    const { edges, url, channel } = this.options;
    try {
      const response = await edges.fetch(url, {
        method: "POST",
        headers: { "Content-Type": "application/json", "Idempotency-Key": id },
        body: JSON.stringify({ ch: channel, d: data }),
        signal: mine.signal,
        credentials: "omit",
      });
      const text = await response.text();
      if (this.abort !== mine) return 0;
      return this.answered(id, response, text);
    } catch {
      return this.abort === mine ? this.again("a message was not answered", 0) : 0;
    }
  }

  private answered(id: string, response: Response, text: string): number {
    const { status } = response;
    const offset = status === 200 ? offsetOf(text) : null;
    if (offset !== null) {
      this.failures = 0;
      this.options.acked(id, offset);
      return 0;
    }
    if (status >= 400 && status < 500 && !later.has(status)) {
      this.options.failed(id, `the server refused it (${status})`);
      return 0;
    }
    return this.again(`a message was answered with ${status}`, retryAfterMs(response.headers.get("Retry-After")));
  }

  private again(why: string, atLeastMs: number): number {
    this.options.trouble(why);
    return Math.max(atLeastMs, delayAfter(this.failures++, retryDelays, this.options.edges.random));
  }
}

function offsetOf(text: string): number | null {
  try {
    const offset: unknown = JSON.parse(text)?.off;
    return Number.isSafeInteger(offset) ? (offset as number) : null;
  } catch {
    return null;
  }
}
