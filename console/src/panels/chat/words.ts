import type { Client } from "./wire";

// What the panel says about the clients.

export const nameOf = (id: string): string => (id === "page" ? "This page" : id.toUpperCase());

export function modeText(client: Client): string {
  if (client.mode === "websocket") return "WebSocket";
  if (client.mode === "polling") return "Polling";
  if (client.filling) return "Polls fill the gap";
  return client.connecting ? "Connecting…" : "Not connected";
}

export function modeTone(client: Client): "good" | "wait" | "bad" {
  if (client.mode === "websocket") return "good";
  return client.mode === "polling" || client.filling ? "wait" : "bad";
}

/** Messages that were lost, came twice or out of order, or are not what the log has. */
export function faultsOf(client: Client): number {
  const { lost, duplicated, out_of_order, different } = client.figures;
  return lost + duplicated + out_of_order + (different ?? 0);
}

export interface Verdict {
  tone: "good" | "wait" | "bad";
  text: string;
}

/** What there is to say about all of them, the worst first. */
export function verdictOf(clients: readonly Client[], head: number): Verdict {
  const broken = clients.filter((client) => faultsOf(client) > 0);
  if (broken.length > 0)
    return { tone: "bad", text: `Messages went wrong at ${broken.map((one) => nameOf(one.id)).join(", ")}: see the figures below.` };
  const behind = clients.filter((client) => client.offset < head);
  if (behind.length > 0) {
    const parts = behind.map((one) => `${nameOf(one.id)} by ${head - one.offset}`);
    return { tone: "wait", text: `Behind: ${parts.join(", ")}. Nothing is lost so far.` };
  }
  return { tone: "good", text: "Every client was given each of them once, and in order." };
}

/** What a screen reader is told when a client's way changed. */
export function announcement(before: readonly Client[], after: readonly Client[]): string {
  return after
    .filter((client) => {
      const old = before.find((one) => one.id === client.id);
      return old && modeText(old) !== modeText(client) && modeText(client) !== "Connecting…";
    })
    .map((client) => `${nameOf(client.id)}: ${modeText(client)}.`)
    .join(" ");
}
