import { expect, test } from "vitest";
import { unreadOf } from "./unread";

const recent = ["c", "b", "a"].map((id) => ({ id, message: id, ts: "" }));

test.each([[null, 3], ["c", 0], ["b", 1], ["a", 2], ["long ago", 3]])("read up to %s: %d unread", (read, count) =>
  expect(unreadOf(recent, read)).toBe(count));
test("nothing is not unread", () => expect(unreadOf([], null)).toBe(0));
