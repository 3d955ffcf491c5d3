import { useEffect, useRef } from "preact/hooks";
import { percent } from "../../ui/format";
import { announce } from "../../ui/notices";
import { choose, current } from "./actions";
import { Detail } from "./detail";
import { Strip } from "./picture";
import { StartForm } from "./start_form";
import { announcement, stateText, toneOf } from "./words";
import { downloads, type Download } from "./wire";
import "../../ui/steps.css";
import "./downloads.css";

function Row(props: { download: Download; chosen: boolean }) {
  const { download } = props;
  return (
    <li>
      <button type="button" class="row" aria-pressed={props.chosen} onClick={() => choose(download.id)}>
        <span class="row-name">{download.name}</span>
        <span class="row-percent">{download.percentage === null ? "" : percent(download.percentage)}</span>
        <span class={`badge badge-${toneOf(download)}`}>{stateText(download)}</span>
        <Strip download={download} />
      </button>
    </li>
  );
}

function Empty() {
  return (
    <div class="card empty">
      <h2>Nothing has been downloaded yet</h2>
      <ol>
        <li><strong>Start a download.</strong> The file fills from several places at once, one colour a connection.</li>
        <li><strong>Press “Cut now”.</strong> Every connection breaks; each goes on where it stopped.</li>
        <li><strong>Kill the client, then resume.</strong> What arrived is kept, and the digest says whether it is right.</li>
      </ol>
    </div>
  );
}

function useAnnouncements(list: readonly Download[] | null) {
  const before = useRef<readonly Download[] | null>(null);
  useEffect(() => {
    const text = before.current && list ? announcement(before.current, list) : "";
    if (text) announce(text);
    before.current = list;
  }, [list]);
}

export function DownloadsView() {
  const list = downloads.value;
  const shown = current.value;
  useAnnouncements(list);
  return (
    <div class="downloads">
      <div class="card"><StartForm /></div>
      {list && list.length > 1 && (
        <nav class="card others" aria-label="Downloads">
          <ul>{list.map((one) => <Row key={one.id} download={one} chosen={one.id === shown?.id} />)}</ul>
        </nav>
      )}
      {shown ? <Detail key={shown.id} download={shown} /> : list && <Empty />}
    </div>
  );
}
