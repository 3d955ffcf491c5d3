import { effect, signal } from "@preact/signals";
import { recall, remember } from "./memory";

export interface Shortcut {
  key: string;
  /** What it does, for the help dialog. */
  label: string;
  run(): void;
}

/** Single keys disturb people who dictate: they can be switched off, in the help dialog. */
export const shortcutsEnabled = signal(recall("shortcuts") !== "off");
effect(() => remember("shortcuts", shortcutsEnabled.value ? null : "off"));

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !["radio", "checkbox", "range"].includes(target.type);
  return target.isContentEditable || target.matches("textarea, select");
}

/** Runs shortcuts until the returned function is called. `list` is asked at each key. */
export function listenForShortcuts(list: () => readonly Shortcut[]): () => void {
  const pressed = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || event.defaultPrevented) return;
    if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
    if (!shortcutsEnabled.value && event.key !== "?") return;
    const hit = list().find((shortcut) => shortcut.key === event.key);
    if (!hit) return;
    event.preventDefault();
    hit.run();
  };
  document.addEventListener("keydown", pressed);
  return () => document.removeEventListener("keydown", pressed);
}
