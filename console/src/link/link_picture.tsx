import type { Link, Server } from "../live/wire";
import { useNow } from "../ui/clock";
import { duration, rate } from "../ui/format";
import { flow } from "./flow";

export type LinkMood = "quiet" | "flowing" | "stalled" | "offline" | "down" | "half-open" | "blocked";

/** What is worth saying first. */
export function mood(link: Link, server: Server | null, moving: boolean): LinkMood {
  if (link.offline) return "offline";
  if (server?.state === "down") return "down";
  if (link.stalled_ms > 0) return "stalled";
  if ((link.half_open_ms ?? 0) > 0) return "half-open";
  if (moving) return "flowing";
  return link.block_websocket ? "blocked" : "quiet";
}

const restMs = 1_500;

export function LinkPicture(props: { link: Link; server: Server | null; client: string }) {
  const { at, bytesPerSecond } = flow.value;
  // Rest makes no event, so it is noticed by looking again; once at rest there is nothing to look for.
  const now = useNow(performance.now() - at < restMs);
  const moodNow = mood(props.link, props.server, now - at < restMs && bytesPerSecond > 0);
  const words = {
    quiet: "nothing to carry",
    flowing: rate(bytesPerSecond),
    stalled: `stalled, ${duration(Math.ceil(props.link.stalled_ms / 1000))} left`,
    offline: "offline",
    down: "server down",
    "half-open": "WebSocket half-open",
    blocked: "WebSocket blocked",
  }[moodNow];
  return (
    <div class={`link-picture link-${moodNow}`}>
      <svg viewBox="0 0 280 56" aria-hidden="true">
        <path class="link-line" d="M52 28 C 76 8, 100 8, 124 28 S 204 48, 228 28" />
        <path class="link-bytes" d="M52 28 C 76 8, 100 8, 124 28 S 204 48, 228 28" />
        <path class="link-break" d="M132 18 l16 20 M148 18 l-16 20" />
        <g class="link-end">
          <rect x="6" y="11" width="44" height="30" rx="5" />
          <path d="M18 48h20M28 41v7" />
        </g>
        <g class="link-end link-server">
          <rect x="230" y="7" width="44" height="18" rx="5" />
          <rect x="230" y="31" width="44" height="18" rx="5" />
          <path d="M240 16h10M240 40h10" />
          <circle cx="264" cy="16" r="2.5" />
          <circle cx="264" cy="40" r="2.5" />
        </g>
      </svg>
      <p><span>{props.client}</span><strong data-test="link-mood">{words}</strong><span>server</span></p>
    </div>
  );
}
