import { useEffect, useState } from "preact/hooks";

/** The time, read again twice a second while `running`: for what ages without an event. */
export function useNow(running: boolean): number {
  const [, setTick] = useState(0);
  useEffect(() => {
    if (!running) return;
    const timer = setInterval(() => setTick((tick) => tick + 1), 500);
    return () => clearInterval(timer);
  }, [running]);
  return performance.now();
}
