import { expect, test } from "vitest";
import { DeliveryGate } from "./gate";
import type { Message } from "./wire";

const message = (offset: number): Message => ({ offset, id: `m${offset}`, user: "", data: null });
const offsets = (messages: readonly Message[]) => messages.map((one) => one.offset);
const offer = (gate: DeliveryGate, ...numbers: number[]) => offsets(gate.offer("e", numbers.map(message)));

test("what comes in order passes", () => {
  const gate = new DeliveryGate();
  expect(offer(gate, 1, 2)).toEqual([1, 2]);
  expect(offer(gate, 3)).toEqual([3]);
  expect(gate.cursor).toEqual({ epoch: "e", offset: 3 });
});

test("what comes again does not", () => {
  const gate = new DeliveryGate();
  offer(gate, 1, 2);
  expect(offer(gate, 1, 2, 3)).toEqual([3]);
  expect(gate.dropped).toBe(2);
});

test("what lies over a gap waits for it", () => {
  const gate = new DeliveryGate();
  expect(offer(gate, 2, 4)).toEqual([]);
  expect(gate.hasGap).toBe(true);
  expect(offer(gate, 1)).toEqual([1, 2]);
  expect(offer(gate, 3)).toEqual([3, 4]);
  expect(gate.hasGap).toBe(false);
});

test("what is held back is bounded, and the missing one still passes", () => {
  const gate = new DeliveryGate();
  offer(gate, ...Array.from({ length: 5000 }, (_, index) => index + 2));
  expect(offer(gate, 1).length).toBe(1001);
  expect(gate.hasGap).toBe(false);
  expect(offer(gate, 1002)).toEqual([1002]);
});

test("it goes on at a cursor", () => {
  const gate = new DeliveryGate({ epoch: "e", offset: 10 });
  expect(offer(gate, 10, 11)).toEqual([11]);
});

test("another log's messages never mix in", () => {
  const gate = new DeliveryGate({ epoch: "e", offset: 1 });
  expect(gate.offer("f", [message(2)])).toEqual([]);
  expect(gate.cursor).toEqual({ epoch: "e", offset: 1 });
});

test("a reset is news once", () => {
  const gate = new DeliveryGate({ epoch: "e", offset: 7 });
  offer(gate, 9);
  expect(gate.reset("f", 3)).toBe(true);
  expect(gate.reset("f", 3)).toBe(false);
  expect(gate.hasGap).toBe(false);
  expect(offsets(gate.offer("f", [message(4)]))).toEqual([4]);
});

test("any order and any repetition of a log comes out as the log", () => {
  for (let seed = 1; seed <= 200; seed++) {
    let state = seed;
    const random = (below: number) => (state = (state * 48271) % 2147483647) % below;
    const gate = new DeliveryGate();
    const out: number[] = [];
    const arrivals = Array.from({ length: 200 }, () => 1 + random(30));
    for (const one of [...arrivals, ...Array.from({ length: 30 }, (_, index) => index + 1)]) out.push(...offer(gate, one));
    expect(out).toEqual(Array.from({ length: 30 }, (_, index) => index + 1));
  }
});
