import type { Edges } from "./connection";
import { delayAfter, retryDelays } from "./delays";
import { retryAfterMs } from "./retry_after";
import { pollQuery, readGone, readPage, type Cursor, type Gone, type Page } from "./wire";

const waitSeconds = 20;
/** An answer that is held back takes this much longer at most. */
const patienceMs = 10_000;
/** Who answers at once that there is nothing is not asked again at once. */
const emptyPauseMs = 1_000;

export interface PollerOptions {
  edges: Edges;
  url: string;
  channel: string;
  cursor(): Cursor;
  page(page: Page): void;
  gone(gone: Gone): void;
  failed(why: string): void;
  changed(): void;
}

/** Asks for what comes after the cursor, one poll at a time; the server holds its answer until there is some. */
export class Poller {
  running = false;
  private abort: AbortController | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private failures = 0;

  constructor(private readonly options: PollerOptions) {}

  start(delayMs: number): void {
    if (this.running) return;
    this.running = true;
    this.failures = 0;
    this.schedule(delayMs);
  }

  /** One poll, for what a gap is missing. */
  once(): void {
    if (!this.abort) void this.poll(0);
  }

  stop(): void {
    this.running = false;
    clearTimeout(this.timer);
    this.abort?.abort();
    this.abort = null;
  }

  private schedule(delayMs: number) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.poll(waitSeconds), delayMs);
  }

  private async poll(wait: number) {
    const mine = new AbortController();
    this.abort = mine;
    const late = setTimeout(() => mine.abort(), wait * 1000 + patienceMs);
    const delay = await this.ask(mine, wait);
    clearTimeout(late);
    if (this.abort !== mine) return;
    this.abort = null;
    if (this.running) this.schedule(delay);
    this.options.changed();
  }

  /** How long to wait before the next one. */
  private async ask(mine: AbortController, wait: number): Promise<number> {
    const { edges, url, channel, cursor } = this.options;
    const asked = performance.now();
    try {
      const response = await edges.fetch(`${url}?${pollQuery(channel, cursor(), wait)}`,
        { signal: mine.signal, cache: "no-store", credentials: "omit" });
      const text = await response.text();
      if (this.abort !== mine) return 0;
      const took = this.take(response.status, text);
      if (took !== null) {
        this.failures = 0;
        return took > 0 || performance.now() - asked > emptyPauseMs ? 0 : emptyPauseMs;
      }
      return this.fail(`a poll was answered with ${response.status}`, retryAfterMs(response.headers.get("Retry-After")));
    } catch {
      if (this.abort !== mine) return 0;
      return this.fail("a poll was not answered", 0);
    }
  }

  /** How many messages came; null for an answer that is none. */
  private take(status: number, text: string): number | null {
    const page = status === 200 ? readPage(text) : null;
    if (page) this.options.page(page);
    const gone = status === 410 ? readGone(text) : null;
    if (gone) this.options.gone(gone);
    return page?.messages.length ?? (gone ? 1 : null);
  }

  private fail(why: string, atLeastMs: number): number {
    this.options.failed(why);
    return Math.max(atLeastMs, delayAfter(this.failures++, retryDelays, this.options.edges.random));
  }
}
