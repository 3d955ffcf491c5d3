import type { Cursor, Message } from "./wire";

const mostHeld = 1000;

/**
 * Whatever brings a message, it passes here: in the log's order, each once. What lies over a gap is held
 * back, within a bound, until the gap was fetched; beyond the bound the newest are let go and fetched later.
 */
export class DeliveryGate {
  private at: Cursor;
  private readonly held = new Map<number, Message>();
  private droppedCount = 0;

  constructor(at: Cursor = { epoch: null, offset: 0 }) {
    this.at = { ...at };
  }

  get cursor(): Cursor {
    return { ...this.at };
  }

  /** Messages that were there already. */
  get dropped(): number {
    return this.droppedCount;
  }

  /** Something is held back, because what comes before it is missing. */
  get hasGap(): boolean {
    return this.held.size > 0;
  }

  /** The log that is followed, when no log was known yet. */
  adopt(epoch: string): void {
    this.at.epoch ??= epoch;
  }

  /** What may be shown now, in order. A message of another log is nobody's. */
  offer(epoch: string, messages: readonly Message[]): Message[] {
    this.adopt(epoch);
    if (epoch !== this.at.epoch) return [];
    for (const message of messages) {
      if (message.offset <= this.at.offset || this.held.has(message.offset)) this.droppedCount++;
      else if (message.offset === this.at.offset + 1 || this.held.size < mostHeld)
        this.held.set(message.offset, message);
    }
    const ready: Message[] = [];
    for (let next = this.held.get(this.at.offset + 1); next; next = this.held.get(this.at.offset + 1)) {
      this.held.delete(next.offset);
      this.at.offset = next.offset;
      ready.push(next);
    }
    return ready;
  }

  /** The log is another one, or was trimmed: true when that is news. Then it goes on behind `offset`. */
  reset(epoch: string, offset: number): boolean {
    if (epoch === this.at.epoch && offset === this.at.offset) return false;
    this.held.clear();
    this.at = { epoch, offset };
    return true;
  }
}
