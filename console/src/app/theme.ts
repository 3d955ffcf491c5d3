import { computed, effect, signal } from "@preact/signals";
import { recall, remember } from "./memory";

type Theme = "light" | "dark";

const darkSystem = window.matchMedia("(prefers-color-scheme: dark)");
const system = signal<Theme>(darkSystem.matches ? "dark" : "light");
darkSystem.addEventListener("change", () => (system.value = darkSystem.matches ? "dark" : "light"));

const stored = recall("theme");
const chosen = signal<Theme | null>(stored === "light" || stored === "dark" ? stored : null);

export const theme = computed<Theme>(() => chosen.value ?? system.value);

effect(() => {
  document.documentElement.dataset.theme = theme.value;
  remember("theme", chosen.value);
});

/** Goes to the other theme; the system's own is followed again rather than pinned. */
export function toggleTheme(): void {
  const next = theme.value === "dark" ? "light" : "dark";
  chosen.value = next === system.value ? null : next;
}
