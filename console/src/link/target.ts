import { computed, signal, type ReadonlySignal } from "@preact/signals";
import { currentPanel } from "../app/route";
import { link } from "../live/state";
import type { Link } from "../live/wire";

/** A link that the controls can break, or several at once. */
export interface LinkTarget {
  id: string;
  /** On the chooser's chip. */
  title: string;
  /** Whose link it is, for the picture: "client", "A". */
  client: string;
  /** Where its commands go. */
  paths: readonly string[];
  /** Of several links: the first one's. */
  state: ReadonlySignal<Link | null>;
  /** It carries WebSocket and HTTP by doors of their own. */
  twoDoors?: boolean;
}

const downloadsLink: LinkTarget = {
  id: "downloads", title: "Downloads", client: "client", paths: ["/demo/link"], state: link,
};

const chosenId = signal<string | null>(null);

/** The links of the panel that is shown. */
export const targets = computed<readonly LinkTarget[]>(() => currentPanel.value.links ?? [downloadsLink]);

/** The link that controls and shortcuts are about. */
export const target = computed<LinkTarget>(() =>
  targets.value.find((one) => one.id === chosenId.value) ?? targets.value[0]!);

export function aimAt(id: string): void {
  chosenId.value = id;
}
