import { expect, test } from "vitest";
import { nothingKept, readKept } from "./memory";

test("what was kept is read again", () => {
  const kept = { ...nothingKept(), epoch: "e", offset: 7, published: 2, unanswered: [{ id: "c:2", data: 1 }] };
  expect(readKept(JSON.stringify(kept))).toEqual(kept);
});

test.each([null, "", "{", "7", '{"client":"c"}', '{"client":"c","epoch":7,"offset":0,"published":0,"unanswered":[],"messages":[]}'])(
  "%s is a new beginning", (text) => expect(readKept(text)).toMatchObject({ epoch: null, offset: 0, messages: [] }));

test("two pages have names of their own", () => expect(nothingKept().client).not.toBe(nothingKept().client));
