import { signal } from "@preact/signals";
import { bytes } from "../../ui/format";
import { start, startFormId } from "./actions";
import { files } from "./wire";

const ownUrl = "url:";
const choice = signal<string | null>(null);
const url = signal("");
const connections = signal("auto");
const problem = signal<string | null>(null);
const busy = signal(false);

/** What is chosen: the first file until somebody chose, and when the chosen one is not offered any more. */
function chosenSource(): string {
  const offered = files.value ?? [];
  if (choice.value === ownUrl || offered.some((file) => file.name === choice.value)) return choice.value!;
  return offered[0]?.name ?? ownUrl;
}

async function submit(event: Event) {
  event.preventDefault();
  if (busy.value) return;
  const source = chosenSource();
  const address = url.value.trim();
  if (source === ownUrl && !address) {
    problem.value = "Write the address of a file, for example http://example.org/file.iso.";
    document.getElementById("source-url")?.focus();
    return;
  }
  busy.value = true;
  problem.value = null;
  const outcome = await start({
    ...(source === ownUrl ? { url: address } : { file: source }),
    connections: connections.value === "auto" ? "auto" : Number(connections.value),
  });
  busy.value = false;
  if (!outcome.ok) problem.value = outcome.message;
}

function Choice(props: { value: string; name: string; detail: string }) {
  return (
    <label class="choice">
      <input type="radio" name="source" value={props.value} checked={chosenSource() === props.value}
        onChange={() => {
          choice.value = props.value;
          problem.value = null;
        }} />
      <span class="choice-name">{props.name}</span>
      <span class="choice-detail">{props.detail}</span>
    </label>
  );
}

/** What the demo says about the chosen file. */
function Note() {
  const file = files.value?.find((one) => one.name === chosenSource());
  return <p class="fine">{file ? file.note : "Any http or https address that this machine reaches."}</p>;
}

function UrlField() {
  return (
    <div class="field">
      <label for="source-url">Address</label>
      <input id="source-url" type="text" inputMode="url" autocomplete="off" spellcheck={false}
        placeholder="https://example.org/file.iso" value={url.value}
        aria-invalid={problem.value !== null} aria-describedby="start-problem"
        onInput={(event) => (url.value = event.currentTarget.value)} />
    </div>
  );
}

export function StartForm() {
  const offered = files.value ?? [];
  return (
    <form id={startFormId} class="start" onSubmit={submit} noValidate>
      <fieldset>
        <legend>Download</legend>
        <div class="choices">
          {offered.map((file) => (
            <Choice key={file.name} value={file.name} name={file.name} detail={bytes(file.bytes)} />
          ))}
          <Choice value={ownUrl} name="A URL of your own" detail="" />
        </div>
      </fieldset>
      <Note />
      {chosenSource() === ownUrl && <UrlField />}
      <div class="start-foot">
        <label class="inline" for="connections">Connections</label>
        <select id="connections" value={connections.value}
          onChange={(event) => (connections.value = event.currentTarget.value)}>
          <option value="auto">auto</option>
          {Array.from({ length: 16 }, (_, index) => (
            <option key={index} value={String(index + 1)}>{index + 1}</option>
          ))}
        </select>
        <button type="submit" class="primary" disabled={busy.value}>Start download</button>
      </div>
      <p id="start-problem" class="problem" role="alert">{problem.value}</p>
    </form>
  );
}
