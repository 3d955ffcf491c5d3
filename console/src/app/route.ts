import { computed, signal } from "@preact/signals";
import { panels } from "../panels/all";

const hash = signal(location.hash);
window.addEventListener("hashchange", () => (hash.value = location.hash));

/** The panel that the address names; the first one when it names none. */
export const currentPanel = computed(() => {
  const id = hash.value.replace(/^#\//, "");
  return panels.find((panel) => panel.id === id) ?? panels[0]!;
});

export function goTo(id: string): void {
  location.hash = `#/${id}`;
}
