import { computed, signal } from "@preact/signals";
import type { Shortcut } from "../../app/shortcuts";
import { command, type Outcome } from "../../live/commands";
import { report } from "../../ui/notices";
import { downloads, type Download, type State } from "./wire";

export type Action = "pause" | "kill" | "resume" | "remove";

const allowed: Record<State, readonly Action[]> = {
  running: ["pause", "kill", "remove"],
  pausing: ["kill", "remove"],
  paused: ["resume", "remove"],
  killed: ["resume", "remove"],
  failed: ["resume", "remove"],
  done: ["remove"],
};

export function actionsOf(download: Download): readonly Action[] {
  return allowed[download.state] ?? ["remove"];
}

export function act(download: Download, action: Action): Promise<Outcome<void>> {
  return report(command(`/demo/downloads/${encodeURIComponent(download.id)}/${action}`));
}

export interface Start {
  file?: string;
  url?: string;
  connections: number | "auto";
}

const chosen = signal<string | null>(null);

/** The download that is shown large: the one that was chosen, else the newest. */
export const current = computed<Download | null>(() => {
  const all = downloads.value ?? [];
  return all.find((download) => download.id === chosen.value) ?? all[0] ?? null;
});

export function choose(id: string): void {
  chosen.value = id;
}

export async function start(what: Start): Promise<Outcome<{ id: string }>> {
  const outcome = await command<{ id: string }>("/demo/downloads", what);
  if (outcome.ok) chosen.value = outcome.value.id;
  return outcome;
}

function actOnCurrent(...wanted: Action[]) {
  const download = current.value;
  const action = download && wanted.find((one) => actionsOf(download).includes(one));
  if (download && action) void act(download, action);
}

export const startFormId = "start-download";

export const downloadShortcuts: readonly Shortcut[] = [
  { key: "n", label: "Choose what to download",
    run: () => document.querySelector<HTMLElement>(`#${startFormId} input:checked`)?.focus() },
  { key: "p", label: "Pause or resume", run: () => actOnCurrent("pause", "resume") },
  { key: "k", label: "Kill the client", run: () => actOnCurrent("kill") },
];
