export type SendState = "sending" | "acked" | "failed";

/** Something of ours, from the moment it was written. Its id stays: sent twice, it is in the log once. */
export interface Publication {
  id: string;
  data: unknown;
  state: SendState;
  /** In the log, once acknowledged. */
  offset: number | null;
  /** Why it failed, for people. */
  problem: string;
}

export const mostUnanswered = 500;
const mostSettled = 50;

/** What this page has published: all that is unanswered, in order, and the last ones that were answered. */
export class Outbox {
  private all: Publication[] = [];
  private counter = 0;

  constructor(private readonly client: string, unanswered: readonly { id: string; data: unknown }[] = [], counter = 0) {
    this.counter = counter;
    for (const { id, data } of unanswered) this.all.push({ id, data, state: "sending", offset: null, problem: "" });
  }

  get publications(): readonly Publication[] {
    return this.all;
  }

  get unanswered(): Publication[] {
    return this.all.filter((one) => one.state === "sending");
  }

  /** How many ids were given: goes on from there after a reload. */
  get count(): number {
    return this.counter;
  }

  /** Null when too many are unanswered. `make` is given the new id. */
  add(make: (id: string) => unknown): Publication | null {
    if (this.unanswered.length >= mostUnanswered) return null;
    const id = `${this.client}:${++this.counter}`;
    const publication: Publication = { id, data: make(id), state: "sending", offset: null, problem: "" };
    this.all.push(publication);
    return publication;
  }

  /** By an acknowledgement, or by its echo in the log: whichever is first. */
  acked(id: string, offset: number): boolean {
    return this.settle(id, (one) => {
      one.state = "acked";
      one.offset = offset;
    });
  }

  failed(id: string, problem: string): boolean {
    return this.settle(id, (one) => {
      one.state = "failed";
      one.problem = problem;
    });
  }

  private settle(id: string, change: (one: Publication) => void): boolean {
    const found = this.all.find((one) => one.id === id && one.state === "sending");
    if (!found) return false;
    change(found);
    let spare = this.all.filter((one) => one.state !== "sending").length - mostSettled;
    if (spare > 0) this.all = this.all.filter((one) => one.state === "sending" || spare-- <= 0);
    return true;
  }
}
