import { moment } from "../../ui/format";
import { colourClass } from "./picture";
import type { DownloadEvent } from "./wire";
import "../../ui/story.css";

const tones: Record<string, string> = {
  retry: "wait",
  restarted: "wait",
  throttled: "wait",
  fallback: "wait",
  killed: "bad",
  paused: "rest",
  finished: "good",
};

/** What happens to the whole download says nothing of a connection. */
const connectionKinds = new Set(["verdict", "retry", "throttled"]);

function Entry(props: { event: DownloadEvent }) {
  const { at_ms, kind, connection, text } = props.event;
  return (
    <li>
      <time>{moment(at_ms)}</time>
      <span class={`kind kind-${tones[kind] ?? "plain"}`}>{kind}</span>
      <span class="story-text">
        {connection !== null && connectionKinds.has(kind) && (
          <span class={`story-connection ${colourClass(connection)}`} title={`Connection ${connection + 1}`}>
            <i class="swatch" aria-hidden="true" />
            <span class="visually-hidden">Connection </span>{connection + 1}
          </span>
        )}
        {text}
      </span>
    </li>
  );
}

/** What happened, in words, newest first. */
export function Story(props: { events: readonly DownloadEvent[] }) {
  if (props.events.length === 0)
    return <p class="quiet">Nothing to tell yet. Press “Cut now” while bytes arrive.</p>;
  return (
    <ol class="story" tabIndex={0} aria-label="Events, newest first">
      {[...props.events].reverse().map((event) => <Entry key={event.seq} event={event} />)}
    </ol>
  );
}
