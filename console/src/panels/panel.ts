import type { ComponentType } from "preact";
import type { Shortcut } from "../app/shortcuts";

/** One system of Tidewire on the console. A panel is a folder here whose index.tsx exports one of these. */
export interface Panel {
  /** The folder's name, and the address: `#/downloads`. */
  id: string;
  title: string;
  /** What a person can see here, in one sentence. */
  summary: string;
  /** Place in the navigation. */
  order: number;
  View: ComponentType;
  shortcuts?: readonly Shortcut[];
}

export function panel(description: Panel): Panel {
  return description;
}
