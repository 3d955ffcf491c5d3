import { effect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { LinkControls } from "../link/link_controls";
import { linkShortcuts } from "../link/link_commands";
import { demoChanges } from "../live/state";
import { panels } from "../panels/all";
import { Notices, notify } from "../ui/notices";
import { Header } from "./header";
import { Help, openHelp } from "./help";
import { currentPanel, goTo } from "./route";
import { listenForShortcuts, type Shortcut } from "./shortcuts";
import { toggleTheme } from "./theme";
import "./app.css";

const pageShortcuts: readonly Shortcut[] = [
  { key: "?", label: "This help", run: openHelp },
  { key: "t", label: "Light or dark", run: toggleTheme },
  ...panels.slice(0, 9).map((panel, index) => ({
    key: String(index + 1),
    label: `Go to ${panel.title}`,
    run: () => goTo(panel.id),
  })),
];

const shortcutGroups = () => [
  { title: currentPanel.value.title, shortcuts: currentPanel.value.shortcuts ?? [] },
  { title: "The link", shortcuts: linkShortcuts() },
  { title: "This page", shortcuts: pageShortcuts },
];

effect(() => {
  if (demoChanges.value > 0) notify("The demo was started anew. This is its new state.");
});

export function App() {
  const main = useRef<HTMLElement>(null);
  const panel = currentPanel.value;
  useEffect(() => listenForShortcuts(() => shortcutGroups().flatMap((group) => group.shortcuts)), []);
  useEffect(() => {
    document.title = `${panel.title} · Tidewire`;
  }, [panel]);
  return (
    <>
      <button type="button" class="skip" onClick={() => main.current?.focus()}>Skip to {panel.title}</button>
      <Header />
      <div class="page">
        <main ref={main} tabIndex={-1} aria-labelledby="panel-title">
          <div class="panel-head">
            <h1 id="panel-title">{panel.title}</h1>
            <p>{panel.summary}</p>
          </div>
          <panel.View key={panel.id} />
        </main>
        <LinkControls />
      </div>
      <Help groups={shortcutGroups()} />
      <Notices />
    </>
  );
}
