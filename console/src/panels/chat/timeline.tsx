import { demoNow } from "../../live/demo_clock";
import { useNow } from "../../ui/clock";
import { piecesOf, placesOf, rowText, spanOf } from "./timeline_layout";
import { links, type Bar, type Chat, type Client, type LinkId, type Mark } from "./wire";
import { modeText, nameOf } from "./words";

function Row(props: { name: string; now: string; bars: readonly Bar[]; faults: readonly Mark[]; marks: readonly Mark[]; at: number }) {
  const { at } = props;
  const places = [...placesOf(props.faults, at, "f"), ...placesOf(props.marks, at, "m")];
  return (
    <div class="track">
      <p class="track-name"><strong>{props.name}</strong><span>{props.now}</span></p>
      <div class="track-bar" role="img" aria-label={`${props.name}: ${rowText(props.bars, at)}`}>
        {piecesOf(props.bars, at).map((piece, index) => (
          <i key={index} class={`piece piece-${piece.state}`} style={{ left: `${piece.left}%`, width: `${piece.width}%` }} />
        ))}
        {places.map((place) => (
          <i key={place.seq} class={`mark mark-${place.tone}`} style={{ left: `${place.left}%` }} title={place.text} />
        ))}
      </div>
    </div>
  );
}

const legend = [
  ["websocket", "WebSocket"], ["polling", "polling"], ["filling", "polls fill a gap"], ["disconnected", "nothing"],
  ["down", "server down"],
] as const;

/** Who was connected how, over the last minute and a half; with what was done to the links. */
export function Timeline(props: { chat: Chat; clients: readonly Client[] }) {
  useNow(true);
  const at = demoNow();
  const server = props.chat.server.bars;
  return (
    <figure class="timeline">
      <Row name="Server" now={server.at(-1)?.state === "down" ? "down" : "running"} bars={server} faults={[]} marks={[]} at={at} />
      {props.clients.map((client) => (
        <Row key={client.id} name={nameOf(client.id)} now={modeText(client)} bars={client.bars} at={at}
          faults={links.value?.[client.id as LinkId]?.marks ?? []} marks={client.marks} />
      ))}
      <p class="track-scale" aria-hidden="true"><span>{Math.round(spanOf(at) / 1000)} s ago</span><span>now</span></p>
      <figcaption>
        {legend.map(([state, words]) => (
          <span key={state}><i class={`swatch piece-${state}`} aria-hidden="true" />{words}</span>
        ))}
        <span><i class="mark-swatch mark-bad" aria-hidden="true" />broken</span>
        <span><i class="mark-swatch mark-good" aria-hidden="true" />back</span>
      </figcaption>
    </figure>
  );
}
