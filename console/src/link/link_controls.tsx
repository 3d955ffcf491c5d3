import { useState } from "preact/hooks";
import { link, server } from "../live/state";
import type { Link } from "../live/wire";
import { count } from "../ui/format";
import { FaultSlider } from "./fault_slider";
import { cutNow, downMs, restartServer, setFaults, stall, stallSeconds, toggleOffline } from "./link_commands";
import { LinkPicture } from "./link_picture";
import { matches, scales, weathers } from "./scales";
import "./link.css";

function Actions(props: { link: Link }) {
  return (
    <div class="link-actions">
      <button type="button" class="danger" title="Resets every open connection (c)" onClick={cutNow}>Cut now</button>
      <button type="button" title={`Nothing moves for ${stallSeconds} s (s)`} onClick={stall}>Stall</button>
      <button type="button" title={`Down for ${downMs / 1000} s, without grace (x)`} onClick={restartServer}
        aria-label="Restart server" disabled={server.value?.state === "down"}>
        Restart<span class="link-wide"> server</span>
      </button>
      <button type="button" role="switch" class="switch" aria-checked={props.link.offline} title="(o)"
        onClick={toggleOffline}>
        <span class="switch-track" aria-hidden="true" />
        Offline
      </button>
    </div>
  );
}

function Weathers(props: { link: Link }) {
  return (
    <div class="chips" role="group" aria-label="Kinds of link">
      {weathers.map((weather) => (
        <button key={weather.name} type="button" class="chip" aria-pressed={matches(props.link, weather)}
          onClick={() => void setFaults(weather.faults)}>
          {weather.name}
        </button>
      ))}
    </div>
  );
}

function Counters(props: { link: Link }) {
  const { open, connections, reset, refused } = props.link.counters;
  const restarts = server.value?.restarts ?? 0;
  return (
    <p class="fine">
      {open} of {count(connections, "connection")} open, {reset} reset, {refused} refused;
      server restarted {count(restarts, "time")}
    </p>
  );
}

/** The faulty link between client and server: the same controls beside every panel. */
export function LinkControls() {
  const [expanded, setExpanded] = useState(false);
  const now = link.value;
  return (
    <aside class={`link ${expanded ? "link-expanded" : ""}`} aria-labelledby="link-title">
      <div class="link-head">
        <h2 id="link-title">The link</h2>
        <button type="button" class="link-more" aria-expanded={expanded} aria-controls="link-body"
          onClick={() => setExpanded(!expanded)}>
          {expanded ? "Less" : "More"}
        </button>
      </div>
      {!now && <p class="fine">Waiting for the demo…</p>}
      {now && <Actions link={now} />}
      {now && (
        <div id="link-body" class="link-body">
          <LinkPicture link={now} server={server.value} />
          <Weathers link={now} />
          {scales.map((scale) => (
            <FaultSlider key={scale.measure} scale={scale} value={now[scale.measure]} />
          ))}
          <Counters link={now} />
        </div>
      )}
    </aside>
  );
}
