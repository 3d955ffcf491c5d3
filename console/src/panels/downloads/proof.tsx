import { bytes, digestGroups } from "../../ui/format";
import { digestVerdict } from "./words";
import type { Download } from "./wire";

/** What the journal vouches for: after a kill, and after a power cut. */
export function JournalState(props: { download: Download }) {
  const { journal, total_bytes, downloaded_bytes, state } = props.download;
  const total = Math.max(1, total_bytes ?? downloaded_bytes);
  if (!journal?.exists) {
    const why = state === "done" ? "Removed: the file is complete and has its final name." : "Not written yet.";
    return <p class="quiet">{why}</p>;
  }
  return (
    <>
      <svg class="journal-bar" viewBox="0 0 1000 1" preserveAspectRatio="none" aria-hidden="true">
        <rect class="picture-missing" width="1000" height="1" />
        <rect class="journal-held" width={(1000 * journal.held_bytes) / total} height="1" />
        <rect class="journal-durable" width={(1000 * journal.durable_bytes) / total} height="1" />
      </svg>
      <dl class="pairs">
        <div>
          <dt><i class="swatch journal-swatch-held" aria-hidden="true" />Held</dt>
          <dd><strong>{bytes(journal.held_bytes)}</strong> survive a kill</dd>
        </div>
        <div>
          <dt><i class="swatch journal-swatch-durable" aria-hidden="true" />Durable</dt>
          <dd><strong>{bytes(journal.durable_bytes)}</strong> survive a power cut</dd>
        </div>
      </dl>
    </>
  );
}

function Hex(props: { label: string; value: string }) {
  return (
    <div>
      <dt>{props.label}</dt>
      <dd class="digest">
        {digestGroups(props.value).map((group, index) => <span key={index}>{group}</span>)}
      </dd>
    </div>
  );
}

const verdicts = {
  same: "The file is the same as the one served, byte for byte.",
  differs: "The file is not the expected one.",
  alone: "Nobody said what the digest should be.",
  none: "Compared when every byte is there.",
};

export function DigestState(props: { download: Download }) {
  const verdict = digestVerdict(props.download);
  const actual = props.download.result?.sha256;
  const expected = props.download.expected_sha256;
  return (
    <div data-test="digest" data-verdict={verdict}>
      <p class={`verdict verdict-${verdict}`}>{verdicts[verdict]}</p>
      <dl class="digests">
        {expected && <Hex label="expected" value={expected} />}
        {actual && <Hex label="downloaded" value={actual} />}
      </dl>
    </div>
  );
}
