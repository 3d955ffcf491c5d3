import type { Shortcut } from "../app/shortcuts";
import { command, type Outcome } from "../live/commands";
import type { LinkFaults } from "../live/wire";
import { report } from "../ui/notices";
import { target } from "./target";

export const stallSeconds = 10;
export const halfOpenSeconds = 8;
export const downMs = 1500;
export const killedMs = 5000;

/** To each link that is aimed at; the first refusal is what is told. */
async function toLink(what: string, body: unknown = {}): Promise<Outcome<void>> {
  const all = await Promise.all(target.value.paths.map((path) => command(path + what, body)));
  return report(Promise.resolve(all.find((one) => !one.ok) ?? all[0]!));
}

export const setFaults = (faults: Partial<LinkFaults>) => toLink("", faults);
export const cutNow = () => toLink("/cut");
export const stall = () => toLink("/stall", { seconds: stallSeconds });
export const halfOpen = () => toLink("/half-open", { seconds: halfOpenSeconds });
export const restartServer = () => report(command("/demo/server/restart", { down_ms: downMs }));
export const killServer = () => report(command("/demo/server/kill", { down_ms: killedMs }));

export const toggleOffline = () => {
  const now = target.value.state.value;
  if (now) void setFaults({ offline: !now.offline });
};
export const toggleWebSocket = () => {
  const now = target.value.state.value;
  if (now && target.value.twoDoors) void setFaults({ block_websocket: !now.block_websocket });
};

const common: readonly Shortcut[] = [
  { key: "c", label: "Cut every connection now", run: () => void cutNow() },
  { key: "s", label: `Stall for ${stallSeconds} s`, run: () => void stall() },
  { key: "o", label: "Offline or online", run: toggleOffline },
  { key: "x", label: "Restart the server", run: () => void restartServer() },
];

const ofTwoDoors: readonly Shortcut[] = [
  ...common,
  { key: "w", label: "Block or allow WebSocket", run: toggleWebSocket },
  { key: "h", label: `Half-open for ${halfOpenSeconds} s`, run: () => void halfOpen() },
  { key: "z", label: "Kill the server", run: () => void killServer() },
];

export const linkShortcuts = (): readonly Shortcut[] => (target.value.twoDoors ? ofTwoDoors : common);
