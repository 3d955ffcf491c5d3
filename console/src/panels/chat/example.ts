import type { Client } from "./wire";

/** A client for tests. */
export function exampleClient(more: Partial<Client> = {}): Client {
  return {
    id: "a", user: "A", mode: "websocket", filling: false, connecting: false, attempts: 0, epoch: "e1", offset: 10,
    unanswered: 0, dropped_duplicates: 0,
    figures: { received: 10, lost: 0, duplicated: 0, out_of_order: 0, resets: 0, compared: 10, different: 0 },
    burst_left: 0, last_error: "", bars: [], marks: [], messages: [], ...more,
  };
}
