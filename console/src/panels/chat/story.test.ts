import { expect, test } from "vitest";
import { exampleClient } from "./example";
import { eventsOf } from "./story";

test("events of clients and links are one story, newest first", () => {
  const mark = (seq: number, at_ms: number, text: string) => ({ seq, at_ms, kind: "cut", text });
  const a = exampleClient({ marks: [mark(1, 10, "lost")] });
  const page = exampleClient({ id: "page", marks: [mark(1, 30, "back")] });
  const events = eventsOf([a, page], { a: [mark(1, 9, "cut")], page: [mark(1, 20, "stall")] });
  expect(events.map((event) => [event.who, event.text])).toEqual(
    [["This page", "back"], ["This page", "stall"], ["A", "lost"], ["A", "cut"]]);
  expect(new Set(events.map((event) => event.key)).size).toBe(4);
});
