import { signal } from "@preact/signals";
import type { Outcome } from "../live/commands";
import "./notices.css";

interface Notice {
  id: number;
  tone: "bad" | "info";
  text: string;
}

const shownMs = 8_000;
const most = 4;
const notices = signal<readonly Notice[]>([]);
const spoken = signal("");
let lastId = 0;

/** Shows a sentence for some seconds. An effect that calls it does not come to depend on what is shown. */
export function notify(text: string, tone: Notice["tone"] = "info"): void {
  const id = ++lastId;
  notices.value = [...notices.peek(), { id, tone, text }].slice(-most);
  setTimeout(() => dismiss(id), shownMs);
}

/** Tells a screen reader alone: for what the page shows anyway. */
export function announce(text: string): void {
  spoken.value = text;
}

/** Shows why a command was refused. */
export async function report<T>(outcome: Promise<Outcome<T>>): Promise<Outcome<T>> {
  const result = await outcome;
  if (!result.ok) notify(result.message, "bad");
  return result;
}

function dismiss(id: number) {
  notices.value = notices.peek().filter((notice) => notice.id !== id);
}

export function Notices() {
  return (
    <>
      <div class="visually-hidden" role="status">{spoken.value}</div>
      <div class="notices" role="region" aria-label="Messages" aria-live="polite">
        {notices.value.map((notice) => (
          <div key={notice.id} class={`notice notice-${notice.tone}`}>
            <p>{notice.text}</p>
            <button type="button" class="plain" aria-label="Dismiss" onClick={() => dismiss(notice.id)}>
              ×
            </button>
          </div>
        ))}
      </div>
    </>
  );
}
