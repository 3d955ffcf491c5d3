import { signal, type ReadonlySignal, type Signal } from "@preact/signals";
import { openStream, type Status } from "./stream";
import type { Demo, Link, Server } from "./wire";

const topics = new Map<string, Signal<unknown>>();

/** The newest state of a topic of `/events`; null until it came. Ask while modules load, not later. */
export function topic<T>(name: string): ReadonlySignal<T | null> {
  let state = topics.get(name);
  if (!state) topics.set(name, (state = signal<unknown>(null)));
  return state as Signal<T | null>;
}

export const status = signal<Status>("connecting");
/** How often another demo process answered than the one before. */
export const demoChanges = signal(0);

export const demo = topic<Demo>("demo");
export const link = topic<Link>("link");
export const server = topic<Server>("server");

/**
 * Takes one event: what a topic says replaces all it said before. Unknown topics are passed over, and so
 * is what is not JSON: the topic comes again, whole.
 */
export function receive(name: string, data: string): void {
  const state = topics.get(name);
  if (!state) return;
  const before = demo.value?.instance;
  try {
    state.value = JSON.parse(data);
  } catch {
    return;
  }
  if (name === "demo" && before && before !== demo.value?.instance) demoChanges.value++;
}

export function startLive(): void {
  const stream = openStream({
    url: "/events",
    topics: [...topics.keys()],
    receive,
    status: (now) => (status.value = now),
  });
  window.addEventListener("online", () => stream.nudge());
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) stream.nudge();
  });
}
