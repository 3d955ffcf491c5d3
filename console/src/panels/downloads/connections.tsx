import { bytes, rate } from "../../ui/format";
import { Sparkline } from "../../ui/sparkline";
import { useNow } from "../../ui/clock";
import { connectionKey, history, spanOf } from "./history";
import { colourClass } from "./picture";
import type { Download, Segment } from "./wire";

function Connection(props: { download: Download; segment: Segment; now: number }) {
  const { segment, download } = props;
  const samples = history.value.get(connectionKey(download.id, segment.connection)) ?? [];
  return (
    <li class={`connection-card ${colourClass(segment.connection)}`}>
      <span class="connection-name"><i class="swatch" aria-hidden="true" />Connection {segment.connection + 1}</span>
      <strong class="connection-rate">{rate(segment.bytes_per_second)}</strong>
      <span class="connection-range" title={`from byte ${segment.begin} to ${segment.end}`}>
        {bytes(segment.end - segment.position)} to go
      </span>
      <Sparkline samples={samples} now={props.now} spanMs={spanOf(samples, props.now)} />
    </li>
  );
}

export function Connections(props: { download: Download }) {
  const { download } = props;
  const now = useNow(download.state === "running");
  if (download.state !== "running" && download.state !== "pausing") return null;
  const segments = [...download.segments].sort((a, b) => a.connection - b.connection);
  return (
    <section aria-label="Connections">
      {segments.length === 0 && <p class="quiet">No connection carries bytes at this moment.</p>}
      <ul class="connections">
        {segments.map((segment) => (
          <Connection key={segment.connection} download={download} segment={segment} now={now} />
        ))}
      </ul>
    </section>
  );
}
