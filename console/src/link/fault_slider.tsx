import { useEffect, useId, useRef, useState } from "preact/hooks";
import { setFaults } from "./link_commands";
import { nearestStop, type Scale } from "./scales";

const sendEveryMs = 150;
const confirmMs = 2_000;

/**
 * One measure of the link. While it is moved it shows the hand's value; then what the demo says, which
 * has the last word.
 */
export function FaultSlider(props: { scale: Scale; value: number }) {
  const { measure, label, stops, words } = props.scale;
  const id = useId();
  const [draft, setDraft] = useState<number | null>(null);
  const timers = useRef<{ send?: ReturnType<typeof setTimeout>; settle?: ReturnType<typeof setTimeout> }>({});

  useEffect(() => {
    if (draft === props.value) setDraft(null);
  }, [props.value, draft]);
  useEffect(() => () => {
    clearTimeout(timers.current.send);
    clearTimeout(timers.current.settle);
  }, []);

  const move = (index: number) => {
    const value = stops[index]!;
    setDraft(value);
    clearTimeout(timers.current.send);
    clearTimeout(timers.current.settle);
    timers.current.send = setTimeout(async () => {
      await setFaults({ [measure]: value });
      timers.current.settle = setTimeout(() => setDraft(null), confirmMs);
    }, sendEveryMs);
  };

  const shown = draft ?? props.value;
  return (
    <div class="slider">
      <label for={id}>{label}</label>
      <output for={id}>{words(shown)}</output>
      <input id={id} type="range" min={0} max={stops.length - 1} step={1} value={nearestStop(stops, shown)}
        aria-valuetext={words(shown)} onInput={(event) => move(event.currentTarget.valueAsNumber)} />
    </div>
  );
}
