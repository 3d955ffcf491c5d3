import { demo, status } from "../live/state";
import { panels } from "../panels/all";
import { openHelp } from "./help";
import { currentPanel } from "./route";
import { theme, toggleTheme } from "./theme";
import "./header.css";

const statusWords = { connecting: "connecting…", live: "live", reconnecting: "reconnecting…" };

function ConnectionState() {
  return (
    <p class={`connection connection-${status.value}`} role="status" title="The page's own connection to the demo">
      <span class="connection-dot" aria-hidden="true" />
      <span class="visually-hidden">Connection to the demo: </span>
      <span data-test="connection">{statusWords[status.value]}</span>
    </p>
  );
}

function Wave() {
  return (
    <svg class="wave" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" />
      <path d="M4 13c4-5 8-5 12 0s8 5 12 0" />
      <path d="M4 21c4-5 8-5 12 0s8 5 12 0" />
    </svg>
  );
}

export function Header() {
  const other = theme.value === "dark" ? "light" : "dark";
  return (
    <header class="header">
      <div class="header-inner">
        <p class="brand">
          <Wave />
          <span class="brand-name">Tidewire</span>
          {demo.value && <span class="brand-version">{demo.value.version}</span>}
        </p>
        <nav class="tabs" aria-label="Panels">
          {panels.map((panel) => (
            <a
              key={panel.id}
              href={`#/${panel.id}`}
              aria-current={panel === currentPanel.value ? "page" : undefined}
            >
              <span>{panel.title}</span>
              {panel.badge && panel.badge.count.value > 0 && (
                <span class="tab-badge">{panel.badge.count.value}<span class="visually-hidden"> {panel.badge.noun}</span></span>
              )}
            </a>
          ))}
        </nav>
        <div class="header-tools">
          <ConnectionState />
          <button type="button" class="icon" aria-label={`Switch to ${other}`} title={`Switch to ${other} (t)`}
            onClick={toggleTheme}>
            <svg viewBox="0 0 20 20" aria-hidden="true">
              {other === "light" ? (
                <path d="M10 6.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7M10 1.5v2M10 16.5v2M1.5 10h2M16.5 10h2M4 4l1.4 1.4M14.6 14.6 16 16M4 16l1.4-1.4M14.6 5.4 16 4" />
              ) : (
                <path d="M16.5 12.2A7 7 0 0 1 7.8 3.5a7 7 0 1 0 8.7 8.7Z" />
              )}
            </svg>
          </button>
          <button type="button" class="icon" aria-label="Help and shortcuts" title="Help (?)" onClick={openHelp}>
            <span aria-hidden="true">?</span>
          </button>
        </div>
      </div>
    </header>
  );
}
