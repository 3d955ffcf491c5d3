import type { Cursor } from "./wire";

export interface Figures {
  received: number;
  lost: number;
  duplicated: number;
  out_of_order: number;
  resets: number;
}

/**
 * Counts what was really shown. It is told what came out of the gate and where the cursor is, and believes
 * neither: an offset that the cursor passed without a message is lost.
 */
export class Audit {
  private base = 0;
  private highest = 0;
  private last = 0;
  private readonly seen = new Set<number>();
  private lostBefore = 0;
  private count = { received: 0, duplicated: 0, out_of_order: 0, resets: 0 };

  constructor(from: Cursor = { epoch: null, offset: 0 }) {
    this.begin(from.offset);
  }

  took(offset: number): void {
    this.count.received++;
    if (offset <= this.base || this.seen.has(offset)) {
      this.count.duplicated++;
      return;
    }
    if (offset < this.last) this.count.out_of_order++;
    this.last = offset;
    this.seen.add(offset);
    this.highest = Math.max(this.highest, offset);
    this.shorten();
  }

  claims(cursor: Cursor): void {
    this.highest = Math.max(this.highest, cursor.offset);
  }

  reset(to: Cursor): void {
    this.count.resets++;
    this.lostBefore += this.missing();
    this.begin(to.offset);
  }

  get figures(): Figures {
    return { ...this.count, lost: this.lostBefore + this.missing() };
  }

  private begin(offset: number) {
    this.base = this.highest = this.last = offset;
    this.seen.clear();
  }

  /** What is complete from the beginning on need not be remembered one by one. */
  private shorten() {
    while (this.seen.delete(this.base + 1)) this.base++;
  }

  private missing(): number {
    return this.highest - this.base - this.seen.size;
  }
}
