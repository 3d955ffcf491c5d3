import { useState } from "preact/hooks";
import { server } from "../live/state";
import type { Link } from "../live/wire";
import { count } from "../ui/format";
import { FaultSlider } from "./fault_slider";
import {
  cutNow, downMs, halfOpen, halfOpenSeconds, killedMs, killServer, restartServer, setFaults, stall, stallSeconds, toggleOffline,
  toggleWebSocket,
} from "./link_commands";
import { LinkPicture } from "./link_picture";
import { matches, scales, weathers } from "./scales";
import { aimAt, target, targets } from "./target";
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

/** Whose link: for panels with several clients. */
function Aim() {
  if (targets.value.length < 2) return null;
  return (
    <fieldset class="aim">
      <legend class="visually-hidden">Whose link</legend>
      {targets.value.map((one) => (
        <label key={one.id} class="aim-choice">
          <input type="radio" name="link-target" checked={one.id === target.value.id} onChange={() => aimAt(one.id)} />
          {one.title}
        </label>
      ))}
    </fieldset>
  );
}

/** What only makes sense where WebSocket and HTTP go by doors of their own. */
function DoorActions(props: { link: Link }) {
  const left = props.link.half_open_ms ?? 0;
  return (
    <div class="link-doors">
      <button type="button" role="switch" class="switch" aria-checked={props.link.block_websocket ?? false} title="(w)"
        onClick={toggleWebSocket}>
        <span class="switch-track" aria-hidden="true" />
        Block WebSocket
      </button>
      <button type="button" title={`For ${halfOpenSeconds} s the WebSocket looks open and swallows everything (h)`}
        onClick={halfOpen}>
        {left > 0 ? `Half-open, ${Math.ceil(left / 1000)} s` : "Half-open"}
      </button>
      <button type="button" class="danger" title={`Down for ${killedMs / 1000} s, and nobody is told (z)`}
        onClick={killServer} disabled={server.value?.state === "down"}>
        Kill server
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
  const now = target.value.state.value;
  return (
    <aside class={`link ${expanded ? "link-expanded" : ""}`} aria-labelledby="link-title">
      <div class="link-head">
        <h2 id="link-title">The link</h2>
        <button type="button" class="link-more" aria-expanded={expanded} aria-controls="link-body"
          onClick={() => setExpanded(!expanded)}>
          {expanded ? "Less" : "More"}
        </button>
      </div>
      <Aim />
      {!now && <p class="fine">Waiting for the demo…</p>}
      {now && <Actions link={now} />}
      {now && (
        <div id="link-body" class="link-body">
          <LinkPicture link={now} server={server.value} client={target.value.client} />
          {target.value.twoDoors && <DoorActions link={now} />}
          <Weathers link={now} />
          {scales.map((scale) => (
            <FaultSlider key={target.value.id + scale.measure} scale={scale} value={now[scale.measure]} />
          ))}
          <Counters link={now} />
        </div>
      )}
    </aside>
  );
}
