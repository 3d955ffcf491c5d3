import type { ChatMessage } from "./wire";

/** What the page's own client keeps over a reload: where it was, what it shows, what is on its way. */
export interface Kept {
  client: string;
  epoch: string | null;
  offset: number;
  published: number;
  unanswered: { id: string; data: unknown }[];
  messages: ChatMessage[];
}

const name = "tidewire.chat";

export function freshClientId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return `page-${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

export const nothingKept = (): Kept => ({
  client: freshClientId(), epoch: null, offset: 0, published: 0, unanswered: [], messages: [],
});

/** What was kept, or a new beginning when it can't be read. */
export function readKept(text: string | null): Kept {
  try {
    const kept = JSON.parse(text ?? "null") as Partial<Kept> | null;
    const good = kept && typeof kept.client === "string" && Number.isSafeInteger(kept.offset) &&
      Number.isSafeInteger(kept.published) && Array.isArray(kept.unanswered) && Array.isArray(kept.messages) &&
      (kept.epoch === null || typeof kept.epoch === "string");
    if (good) return kept as Kept;
  } catch {
    // Written by another version, or by hand.
  }
  return nothingKept();
}

export function recallChat(): Kept {
  try {
    const text = sessionStorage.getItem(name);
    // Taken, not read: a copy of this tab must not publish under the same ids.
    sessionStorage.removeItem(name);
    return readKept(text);
  } catch {
    return nothingKept();
  }
}

export function rememberChat(kept: Kept): void {
  try {
    sessionStorage.setItem(name, JSON.stringify(kept));
  } catch {
    // Without storage a reload begins with the whole log again.
  }
}
