import type { Shortcut } from "../app/shortcuts";
import { command, type Outcome } from "../live/commands";
import { link } from "../live/state";
import type { LinkFaults } from "../live/wire";
import { report } from "../ui/notices";

export const stallSeconds = 10;
export const downMs = 1500;

export const setFaults = (faults: Partial<LinkFaults>): Promise<Outcome<void>> =>
  report(command("/demo/link", faults));
export const cutNow = () => report(command("/demo/link/cut"));
export const stall = () => report(command("/demo/link/stall", { seconds: stallSeconds }));
export const restartServer = () => report(command("/demo/server/restart", { down_ms: downMs }));
export const toggleOffline = () => {
  if (link.value) void setFaults({ offline: !link.value.offline });
};

export const linkShortcuts: readonly Shortcut[] = [
  { key: "c", label: "Cut every connection now", run: () => void cutNow() },
  { key: "s", label: `Stall for ${stallSeconds} s`, run: () => void stall() },
  { key: "o", label: "Offline or online", run: toggleOffline },
  { key: "x", label: "Restart the server", run: () => void restartServer() },
];
