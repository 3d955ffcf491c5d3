import type { Panel } from "./panel";

const found = import.meta.glob<Panel>("./*/index.tsx", { eager: true, import: "default" });

/** Every folder beside this file that has an index.tsx, in the order of the navigation. */
export const panels: readonly Panel[] = Object.values(found).sort((a, b) => a.order - b.order);
