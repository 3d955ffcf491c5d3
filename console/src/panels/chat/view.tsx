import { useEffect, useRef } from "preact/hooks";
import { demoChanges } from "../../live/state";
import { announce } from "../../ui/notices";
import { burst, burstSize } from "./actions";
import { ClientCard } from "./client_card";
import { joinChat, leaveChat, pageClient } from "./page_client";
import { Story } from "./story";
import { Timeline } from "./timeline";
import { announcement, verdictOf } from "./words";
import { chat, type Client } from "./wire";
import "../../ui/steps.css";
import "./chat.css";

function Summary(props: { clients: readonly Client[]; head: number }) {
  const verdict = verdictOf(props.clients, props.head);
  const left = props.clients.find((one) => one.id === "a")?.burst_left ?? 0;
  return (
    <div class="summary">
      <p class="summary-head"><strong data-test="head">{props.head}</strong><span>{props.head === 1 ? "message" : "messages"} in the log</span></p>
      {props.head > 0 && (
        <p class={`summary-verdict verdict-${verdict.tone}`} data-test="verdict" data-tone={verdict.tone}>{verdict.text}</p>
      )}
      <button type="button" class="primary" title="Twenty a second (b)" disabled={left > 0} onClick={() => void burst()}>
        {left > 0 ? `${left} to go` : `A sends ${burstSize}`}
      </button>
    </div>
  );
}

function Teach() {
  return (
    <div class="empty">
      <ol>
        <li><strong>Let A send 100 messages.</strong> They reach B and this very page, each by a link of its own.</li>
        <li><strong>Meanwhile cut, stall or block.</strong> Polls fill the gap until the WebSocket is back.</li>
        <li><strong>Kill the server.</strong> What was said goes on where it was: nothing is lost, nothing comes twice.</li>
      </ol>
    </div>
  );
}

/** The page's links belong to the demo that it came from: another one has others, which this page may not use. */
function AnotherDemo() {
  return (
    <div class="card another-demo">
      <h2>Another demo answers now</h2>
      <p>It has links of its own. Load the page again to talk there.</p>
      <button type="button" class="primary" onClick={() => location.reload()}>Load the page again</button>
    </div>
  );
}

function useAnnouncements(clients: readonly Client[]) {
  const before = useRef<readonly Client[]>([]);
  useEffect(() => {
    const text = announcement(before.current, clients);
    if (text) announce(text);
    before.current = clients;
  });
}

export function ChatView() {
  const now = chat.value;
  const another = demoChanges.value > 0;
  useEffect(() => {
    if (another) leaveChat();
    else if (now) joinChat(now.page);
  }, [another, now === null]);
  const clients = now ? [...now.clients, ...(pageClient.value ? [pageClient.value] : [])] : [];
  useAnnouncements(clients);
  if (another) return <AnotherDemo />;
  if (!now) return <p class="quiet">Waiting for the demo…</p>;
  const head = Math.max(now.log.head, ...clients.map((one) => one.offset));
  return (
    <div class="chat">
      <section class="card chat-over-time" aria-label="How messages travel">
        <Summary clients={clients} head={head} />
        {head === 0 && <Teach />}
        <Timeline chat={now} clients={clients} />
      </section>
      <div class="clients">
        {clients.map((client) => <ClientCard key={client.id} client={client} head={head} />)}
      </div>
      <section class="card" aria-labelledby="chat-story">
        <h2 id="chat-story">What happened</h2>
        <Story clients={clients} />
      </section>
    </div>
  );
}
