import { computed, signal } from "@preact/signals";
import { recall, remember } from "../../app/memory";
import { notifications, type Notification } from "./wire";

/** The newest one that was read; null: none. */
const lastRead = signal<string | null>(recall("notifications.read"));

/** How many are newer than the last one that was read. */
export function unreadOf(recent: readonly Notification[], read: string | null): number {
  const index = recent.findIndex((one) => one.id === read);
  return index < 0 ? recent.length : index;
}

export const unread = computed(() => unreadOf(notifications.value?.recent ?? [], lastRead.value));

export function markAllRead(): void {
  const newest = notifications.value?.recent[0]?.id;
  if (!newest) return;
  lastRead.value = newest;
  remember("notifications.read", newest);
}
