import { computed } from "@preact/signals";
import type { LinkTarget } from "../../link/target";
import { links, type LinkId } from "./wire";

const one = (id: LinkId, title: string, client: string): LinkTarget => ({
  id, title, client, paths: [`/demo/links/${id}`], state: computed(() => links.value?.[id] ?? null), twoDoors: true,
});

export const linkOfA = one("a", "A", "A");

/** Each client has a link of its own; and all at once, for those who want a storm. */
export const chatLinks: readonly LinkTarget[] = [
  linkOfA,
  one("b", "B", "B"),
  one("page", "This page", "this page"),
  { ...linkOfA, id: "all", title: "All", client: "all three",
    paths: ["/demo/links/a", "/demo/links/b", "/demo/links/page"] },
];
