import { useState } from "preact/hooks";
import { command } from "../../live/commands";
import { demoNow } from "../../live/demo_clock";
import { useNow } from "../../ui/clock";
import { report } from "../../ui/notices";
import { columnsOf, pollsText, spanOf, topMs } from "./polls_layout";
import { markAllRead, unread } from "./unread";
import { notifications, type Notifications } from "./wire";
import "./notifications.css";

const askNow = () => report(command("/demo/notifications/poll"));

function PublishForm(props: { user: string }) {
  const [text, setText] = useState("The tide is coming in");
  const publish = async (event: Event) => {
    event.preventDefault();
    const said = text.trim();
    if (said) await report(command("/demo/notifications", { text: said }));
  };
  return (
    <form class="publish" onSubmit={(event) => void publish(event)}>
      <label for="notify">Tell {props.user} something</label>
      <input id="notify" type="text" maxLength={200} autocomplete="off" value={text}
        onInput={(event) => setText(event.currentTarget.value)} />
      <button type="submit" class="primary" disabled={text.trim() === ""}>Publish</button>
    </form>
  );
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;

function waitText(now: Notifications, at: number): string {
  if (now.in_flight) return "asking…";
  const last = now.history.at(-1);
  const left = last ? Math.max(0, last.at_ms + now.interval_ms - at) : 0;
  return `asks again in ${Math.ceil(left / 1000)} s`;
}

/** Each poll of the last two minutes, as high as the wait that the poller chose after it. */
function Polls(props: { now: Notifications }) {
  useNow(true);
  const { now } = props;
  // What was told is never later than now.
  const at = Math.max(demoNow(), now.history.at(-1)?.at_ms ?? 0);
  return (
    <figure class="polls">
      <div class="polls-head">
        <p><strong class="polls-interval" data-test="interval">{seconds(now.interval_ms)}</strong><span>between two polls</span></p>
        {now.errors > 0 && <span class="badge badge-bad" data-test="errors">{now.errors} failed in a row</span>}
        <span class="polls-wait">{waitText(now, at)}</span>
        <button type="button" title="(r)" onClick={() => void askNow()}>Ask now</button>
      </div>
      <div class="polls-picture" role="img" aria-label={pollsText(now.history, at)}>
        <span class="polls-top">{topMs(now.history, at) / 1000} s</span>
        {columnsOf(now.history, at).map((column) => (
          <i key={column.at_ms} class={`poll poll-${column.tone}`}
            style={{ left: `${column.left}%`, width: `${column.width}%`, height: `${column.height}%` }}
            title={column.wait_ms === null ? "" : `then waited ${seconds(column.wait_ms)}`} />
        ))}
      </div>
      <p class="polls-scale" aria-hidden="true"><span>{Math.round(spanOf(now.history, at) / 1000)} s ago</span><span>now</span></p>
      <figcaption>
        <span><i class="swatch poll-news" aria-hidden="true" />200, answered</span>
        <span><i class="swatch poll-same" aria-hidden="true" />304, nothing new</span>
        <span><i class="swatch poll-failed" aria-hidden="true" />failed</span>
        <span class="polls-hint">as high as the wait after it</span>
      </figcaption>
    </figure>
  );
}

function Facts(props: { now: Notifications }) {
  const { now } = props;
  const facts: [string, number][] = [
    ["polls", now.polls], ["304 not modified", now.not_modified], ["failed", now.failed], ["notifications", now.received],
  ];
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name} data-test={name}><dt>{name}</dt><dd>{value}</dd></div>
      ))}
    </dl>
  );
}

function clockTime(ts: string): string {
  const time = new Date(ts);
  return Number.isNaN(time.getTime()) ? "" : time.toLocaleTimeString();
}

function Inbox(props: { now: Notifications }) {
  const { recent, user } = props.now;
  return (
    <section class="card inbox" aria-labelledby="inbox-title">
      <header class="inbox-head">
        <h2 id="inbox-title">{user}’s notifications</h2>
        <span class={`badge ${unread.value > 0 ? "badge-busy" : "badge-rest"}`} data-test="unread">{unread.value} unread</span>
        <button type="button" disabled={unread.value === 0} onClick={markAllRead}>Mark all read</button>
      </header>
      {recent.length === 0 && <p class="quiet">Nothing yet. Publish something above; {user}’s next poll brings it.</p>}
      <ol class="inbox-list">
        {recent.map((one, index) => (
          <li key={one.id} class={index < unread.value ? "unread" : ""}>
            <span class="dot" aria-hidden="true" />
            {index < unread.value && <span class="visually-hidden">Unread: </span>}
            <span class="inbox-text">{one.message}</span>
            <time dateTime={one.ts}>{clockTime(one.ts)}</time>
          </li>
        ))}
      </ol>
    </section>
  );
}

export function NotificationsView() {
  const now = notifications.value;
  if (!now) return <p class="quiet">Waiting for the demo…</p>;
  return (
    <div class="notifications">
      <section class="card" aria-label="Publish"><PublishForm user={now.user} /></section>
      <section class="card polling" aria-label="How it asks">
        <Polls now={now} />
        <Facts now={now} />
        {now.errors > 0 && <p class="problem" role="status">{now.last_error}. It goes on asking, more slowly.</p>}
      </section>
      <Inbox now={now} />
    </div>
  );
}

export const notificationShortcuts = [
  { key: "r", label: "Ask for news now", run: () => void askNow() },
  { key: "n", label: "Write a notification", run: () => document.querySelector<HTMLElement>("#notify")?.focus() },
];
