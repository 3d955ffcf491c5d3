import type { ReadonlySignal } from "@preact/signals";
import type { ComponentType } from "preact";
import type { Shortcut } from "../app/shortcuts";
import type { LinkTarget } from "../link/target";

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
  /** The links that the controls beside it are about; else that of the downloads. */
  links?: readonly LinkTarget[];
  /** A number on its tab, while it is not 0. */
  badge?: { count: ReadonlySignal<number>; noun: string };
}

export function panel(description: Panel): Panel {
  return description;
}
