import { useState } from "preact/hooks";
import { send } from "./actions";
import type { ChatMessage, Client } from "./wire";
import { faultsOf, modeText, modeTone, nameOf } from "./words";

function Figures(props: { client: Client }) {
  const { figures } = props.client;
  const wrong: [string, number][] = [
    ["lost", figures.lost], ["duplicated", figures.duplicated], ["out of order", figures.out_of_order],
  ];
  return (
    <dl class="counts">
      <div data-test="received"><dt>received</dt><dd>{figures.received}</dd></div>
      {wrong.map(([name, value]) => (
        <div key={name} data-test={name} class={value > 0 ? "count-bad" : "count-clean"}><dt>{name}</dt><dd>{value}</dd></div>
      ))}
    </dl>
  );
}

/** How it is known that nothing is missing. */
function Proof(props: { client: Client }) {
  const { figures, epoch, dropped_duplicates } = props.client;
  const facts: string[] = [];
  if (figures.compared === undefined) facts.push("counted by the log’s offsets");
  else facts.push(`${figures.compared} compared with the server’s log`);
  if ((figures.different ?? 0) > 0) facts.push(`${figures.different} differ from it`);
  if (dropped_duplicates > 0) facts.push(`${dropped_duplicates} came twice and were dropped`);
  if (figures.resets > 0) facts.push(`the log was replaced ${figures.resets} ×`);
  return (
    <p class="fine proof">
      {facts.join(", ")}
      {epoch !== "" && <><br />epoch <code title={epoch}>{epoch.slice(0, 8)}</code></>}
    </p>
  );
}

function Place(props: { client: Client; head: number }) {
  const { offset } = props.client;
  const head = Math.max(props.head, offset);
  return (
    <div class="place">
      <p><strong class="place-offset" data-test="offset">{offset}</strong><span>of {head} in the log</span></p>
      <div class="place-bar"><i style={{ width: `${head === 0 ? 0 : (100 * offset) / head}%` }} /></div>
    </div>
  );
}

function Bubble(props: { message: ChatMessage; own: boolean }) {
  const { message } = props;
  const words = {
    sending: "on its way…",
    confirmed: message.offset === null ? "in the log" : `#${message.offset}`,
    failed: `not sent: ${message.problem || "refused"}`,
  }[message.state];
  return (
    <li class={`bubble bubble-${message.state} ${props.own ? "bubble-own" : ""}`} data-state={message.state}>
      {!props.own && <span class="bubble-who">{message.user || "somebody"}</span>}
      <span class="bubble-text">{message.text}</span>
      <span class="bubble-state">{words}</span>
    </li>
  );
}

function Composer(props: { id: string }) {
  const [text, setText] = useState("");
  const submit = async (event: Event) => {
    event.preventDefault();
    const said = text.trim();
    if (said && (await send(props.id, said))) setText("");
  };
  const name = nameOf(props.id);
  return (
    <form class="composer" onSubmit={(event) => void submit(event)}>
      <label class="visually-hidden" for={`say-${props.id}`}>Message from {name}</label>
      <input id={`say-${props.id}`} type="text" value={text} maxLength={500} autocomplete="off"
        placeholder="Say something"
        onInput={(event) => setText(event.currentTarget.value)} />
      <button type="submit" disabled={text.trim() === ""} aria-label={`Send as ${name}`}>Send</button>
    </form>
  );
}

export function ClientCard(props: { client: Client; head: number }) {
  const { client } = props;
  const name = nameOf(client.id);
  return (
    <article class="card client" aria-labelledby={`client-${client.id}`} data-test={`client-${client.id}`}
      data-mode={client.filling ? "filling" : client.mode} data-faults={faultsOf(client)} data-offset={client.offset}>
      <header class="client-head">
        <h2 id={`client-${client.id}`}>{name}</h2>
        <span class={`badge badge-${modeTone(client)}`} data-test="mode">{modeText(client)}</span>
      </header>
      <Place client={client} head={props.head} />
      <Figures client={client} />
      <Proof client={client} />
      <ol class="bubbles" tabIndex={0} aria-label={`What ${name} shows, newest first`}>
        {client.messages.length === 0 && <li class="quiet">Nothing was said yet.</li>}
        {client.messages.map((message) => (
          <Bubble key={message.id} message={message} own={message.user === client.user} />
        ))}
      </ol>
      <p class="fine unanswered" data-test="unanswered">
        {client.unanswered > 0 ? `${client.unanswered} on the way` : "nothing on the way"}
      </p>
      <Composer id={client.id} />
    </article>
  );
}
