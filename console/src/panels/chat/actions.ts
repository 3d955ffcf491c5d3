import type { Shortcut } from "../../app/shortcuts";
import { command, type Outcome } from "../../live/commands";
import { notify, report } from "../../ui/notices";
import { sendFromPage } from "./page_client";

export const burstSize = 100;

export const burst = (id = "a") => report(command(`/demo/chat/${id}/burst`, { messages: burstSize }));

/** True: it is on its way, and the field may be emptied. */
export async function send(id: string, text: string): Promise<boolean> {
  if (id === "page") {
    const taken = sendFromPage(text);
    if (!taken) notify("Too much is on its way already; let the link carry it first.", "bad");
    return taken;
  }
  const outcome: Outcome<void> = await report(command(`/demo/chat/${id}/send`, { text }));
  return outcome.ok;
}

export const chatShortcuts: readonly Shortcut[] = [
  { key: "b", label: `Let A send ${burstSize} messages`, run: () => void burst() },
  { key: "m", label: "Write as this page", run: () => document.querySelector<HTMLElement>("#say-page")?.focus() },
];
