import { moment } from "../../ui/format";
import { toneOf } from "./timeline_layout";
import { links, type Client, type LinkId, type Mark } from "./wire";
import { nameOf } from "./words";
import "../../ui/story.css";

const shown = 40;

interface Event extends Mark {
  key: string;
  who: string;
}

/** What was done to the links, and what the clients made of it, the newest first. */
export function eventsOf(clients: readonly Client[], faults: Partial<Record<LinkId, readonly Mark[]>>): Event[] {
  const all = clients.flatMap((client) => {
    const who = nameOf(client.id);
    const of = (marks: readonly Mark[], prefix: string) =>
      marks.map((mark) => ({ ...mark, who, key: `${client.id}-${prefix}-${mark.seq}` }));
    return [...of(client.marks, "m"), ...of(faults[client.id as LinkId] ?? [], "f")];
  });
  return all.sort((a, b) => b.at_ms - a.at_ms).slice(0, shown);
}

export function Story(props: { clients: readonly Client[] }) {
  const now = links.value;
  const events = eventsOf(props.clients, { a: now?.a.marks ?? [], b: now?.b.marks ?? [], page: now?.page.marks ?? [] });
  return (
    <ol class="story chat-story" tabIndex={0} aria-label="Events, newest first">
      {events.map((event) => (
        <li key={event.key}>
          <time>{moment(event.at_ms)}</time>
          <span class={`kind kind-${toneOf(event.kind)}`}>{event.who}</span>
          <span class="story-text">{event.text}</span>
        </li>
      ))}
    </ol>
  );
}
