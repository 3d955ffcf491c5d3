// What the page remembers between visits. A browser that allows no storage just forgets.

export function recall(name: string): string | null {
  try {
    return localStorage.getItem(`tidewire.${name}`);
  } catch {
    return null;
  }
}

/** null forgets. */
export function remember(name: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(`tidewire.${name}`);
    else localStorage.setItem(`tidewire.${name}`, value);
  } catch {
    // Forgotten at the next visit, that is all.
  }
}
