import { bytes, percent, rate } from "../../ui/format";
import { Sparkline } from "../../ui/sparkline";
import { useNow } from "../../ui/clock";
import { act, actionsOf, type Action } from "./actions";
import { Connections } from "./connections";
import { history, spanOf } from "./history";
import { Picture } from "./picture";
import { DigestState, JournalState } from "./proof";
import { Story } from "./story";
import { amount, remaining, stateText, took, toneOf } from "./words";
import type { Download } from "./wire";

const labels: Record<Action, { text: string; hint: string; tone: string }> = {
  pause: { text: "Pause", hint: "SIGINT to the client: it ends in good order (p)", tone: "" },
  kill: { text: "Kill", hint: "SIGKILL to the client: no chance to tidy up (k)", tone: "danger" },
  resume: { text: "Resume", hint: "The same command again (p)", tone: "primary" },
  remove: { text: "Remove", hint: "Ends it, and deletes file and journal", tone: "" },
};

function Actions(props: { download: Download }) {
  return (
    <div class="actions">
      {actionsOf(props.download).map((action) => (
        <button key={action} type="button" class={labels[action].tone} title={labels[action].hint}
          onClick={() => void act(props.download, action)}>
          {labels[action].text}
        </button>
      ))}
    </div>
  );
}

/** The figures that matter most, large; with the rate of the last half minute. */
function Figures(props: { download: Download }) {
  const { download } = props;
  const running = download.state === "running";
  const now = useNow(running);
  const samples = history.value.get(download.id) ?? [];
  return (
    <div class="figures">
      <p class="figure-percent">
        {download.percentage === null ? bytes(download.downloaded_bytes) : percent(download.percentage)}
      </p>
      <p class="figure-words">
        <span data-test="amount">{amount(download)}</span>
        {running && <strong data-test="rate">{rate(download.bytes_per_second)}</strong>}
        {running && <span>{remaining(download) ?? "time left unknown"}</span>}
        {download.result && download.state === "done" && <span>{took(download)}</span>}
      </p>
      {running && (
        <div class="figure-curve">
          <Sparkline samples={samples} now={now} spanMs={spanOf(samples, now)} />
        </div>
      )}
    </div>
  );
}

function Facts(props: { download: Download }) {
  const { download } = props;
  const facts: [string, string][] = [
    ["retries", String(download.retries)],
    ["kept from before", bytes(download.resumed_bytes)],
    ["kills", String(download.kills)],
    ["versions seen", String(download.generation)],
  ];
  if (download.requests !== null) facts.push(["requests", String(download.requests)]);
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name} data-test={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Why it ended, when it did not end well; and what a killed one can still do. */
function Ending(props: { download: Download }) {
  const { state, result, journal } = props.download;
  if (state === "failed" && result) {
    return (
      <p class="ending ending-bad" role="alert">
        <strong>{result.message}</strong>
        <span>{result.outcome}, exit code {result.exit_code}</span>
      </p>
    );
  }
  if (state !== "killed" && state !== "paused") return null;
  const how = state === "killed" ? "The client was killed (SIGKILL)" : "The client ended in good order (SIGINT)";
  return (
    <p class="ending">
      <strong>{how}.</strong>
      <span>{journal ? `Resume goes on with ${bytes(journal.held_bytes)} that are held.` : "Resume goes on from here."}</span>
    </p>
  );
}

export function Detail(props: { download: Download }) {
  const { download } = props;
  return (
    <article class="card detail" aria-labelledby="detail-name" data-test="detail" data-id={download.id}
      data-state={download.state}>
      <header class="detail-head">
        <div class="detail-title">
          <h2 id="detail-name">{download.name}</h2>
          <p class="source" title={download.source}>{download.source}</p>
        </div>
        <span class={`badge badge-${toneOf(download)}`} data-test="state">{stateText(download)}</span>
        <Actions download={download} />
      </header>
      <Figures download={download} />
      <Picture download={download} />
      <Ending download={download} />
      <Connections download={download} />
      <Facts download={download} />
      <div class="detail-grid">
        <section aria-labelledby="journal-title">
          <h3 id="journal-title">Journal</h3>
          <JournalState download={download} />
        </section>
        <section aria-labelledby="digest-title">
          <h3 id="digest-title">SHA-256</h3>
          <DigestState download={download} />
        </section>
      </div>
      <section aria-labelledby="story-title">
        <h3 id="story-title">What happened</h3>
        <Story events={download.events} />
      </section>
    </article>
  );
}
