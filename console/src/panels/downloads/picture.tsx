import { useEffect, useRef, useState } from "preact/hooks";
import { bytes } from "../../ui/format";
import { extent, layoutOf, pictureText, runsOf, type Layout } from "./picture_layout";
import type { Download, Range } from "./wire";
import "./picture.css";

/** The class that carries a connection's colour. */
export const colourClass = (connection: number) => `hue-${connection % 16}`;

function Runs(props: { layout: Layout; range: Range; class: string }) {
  return (
    <>
      {runsOf(props.layout, props.range).map((run) => (
        <rect key={run.row} class={props.class} x={run.x} y={run.row + 0.08} width={run.width} height={0.84} />
      ))}
    </>
  );
}

function Grid(props: { layout: Layout }) {
  const { columns, rows } = props.layout;
  const lines = Array.from({ length: columns - 1 }, (_, index) => `M${index + 1} 0V${rows}`);
  return <path class="picture-grid" d={lines.join("")} />;
}

/** Where a connection writes: a tick at its position. */
function Tick(props: { layout: Layout; position: number; class: string }) {
  const { cellBytes, columns, rows } = props.layout;
  const cell = props.position / cellBytes;
  const row = Math.min(rows - 1, Math.floor(cell / columns));
  const x = cell - row * columns;
  return <path class={`picture-tick ${props.class}`} d={`M${x} ${row}v1`} />;
}

function Bytes(props: { download: Download; columns: number }) {
  const { download } = props;
  const total = extent(download);
  const layout = layoutOf(total, props.columns);
  return (
    <svg class={`picture-bytes rows-${layout.rows}`} viewBox={`0 0 ${layout.columns} ${layout.rows}`}
      preserveAspectRatio="none" role="img" aria-label={pictureText(download)}>
      <Runs layout={layout} range={[0, total]} class="picture-missing" />
      {download.segments.map((one) => (
        <Runs key={one.connection} layout={layout} range={[one.position, one.end]}
          class={`picture-claim ${colourClass(one.connection)}`} />
      ))}
      {download.held.map((range) => (
        <Runs key={range[0]} layout={layout} range={range} class="picture-held" />
      ))}
      {download.segments.map((one) => (
        <Runs key={one.connection} layout={layout} range={[one.begin, one.position]}
          class={`picture-got ${colourClass(one.connection)}`} />
      ))}
      <Grid layout={layout} />
      {download.segments.map((one) => (
        <Tick key={one.connection} layout={layout} position={one.position} class={colourClass(one.connection)} />
      ))}
    </svg>
  );
}

const wide = 560;

/** The bytes of the file as they fill: what is held, and where each connection is. */
export function Picture(props: { download: Download }) {
  const box = useRef<HTMLDivElement>(null);
  const [columns, setColumns] = useState(32);
  useEffect(() => {
    const watch = new ResizeObserver(([entry]) => {
      if (entry) setColumns(entry.contentRect.width < wide ? 16 : 32);
    });
    watch.observe(box.current!);
    return () => watch.disconnect();
  }, []);
  const { cellBytes } = layoutOf(extent(props.download), columns);
  return (
    <figure class="picture" ref={box}>
      <Bytes download={props.download} columns={columns} />
      <figcaption>
        <span><i class="swatch swatch-held" aria-hidden="true" />held</span>
        {props.download.segments.length > 0 && (
          <>
            <span><i class="swatch swatch-got" aria-hidden="true" />arriving</span>
            <span><i class="swatch swatch-claim" aria-hidden="true" />asked for</span>
          </>
        )}
        {props.download.state !== "done" && (
          <span><i class="swatch swatch-missing" aria-hidden="true" />missing</span>
        )}
        <span class="picture-scale">one cell: {bytes(cellBytes)}</span>
      </figcaption>
    </figure>
  );
}

/** The whole file in one line, for the list. */
export function Strip(props: { download: Download }) {
  const total = Math.max(1, extent(props.download));
  return (
    <svg class="strip" viewBox="0 0 1000 1" preserveAspectRatio="none" aria-hidden="true">
      <rect class="picture-missing" width="1000" height="1" />
      {props.download.held.map(([begin, end]) => (
        <rect key={begin} class="picture-held" x={(begin / total) * 1000} width={((end - begin) / total) * 1000}
          height="1" />
      ))}
    </svg>
  );
}
