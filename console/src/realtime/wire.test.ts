import { expect, test } from "vitest";
import { helloFrame, pollQuery, readFrame, readGone, readPage } from "./wire";

test("frames of the hub", () => {
  expect(readFrame('{"t":"welcome","channels":{"chat":{"epoch":"e","recovered":true,"head":5}},"ping_ms":3000}', "chat"))
    .toEqual({ t: "welcome", epoch: "e", head: 5, pingMs: 3000 });
  expect(readFrame('{"t":"msg","ch":"chat","epoch":"e","off":6,"id":"c:1","ts":"","user":"A","d":{"text":"<b>"}}', "chat"))
    .toEqual({ t: "msg", epoch: "e", message: { offset: 6, id: "c:1", user: "A", data: { text: "<b>" } } });
  expect(readFrame('{"t":"ack","id":"c:1","off":6,"dup":true}', "chat")).toEqual({ t: "ack", id: "c:1", offset: 6 });
  expect(readFrame('{"t":"nack","id":"c:1","why":"rate","retry_ms":20}', "chat"))
    .toEqual({ t: "nack", id: "c:1", why: "rate", retryMs: 20 });
  expect(readFrame('{"t":"nack","id":"c:1","why":"forbidden"}', "chat")).toMatchObject({ retryMs: null });
  expect(readFrame('{"t":"bye","why":"drain","retry_ms":700}', "chat")).toEqual({ t: "bye", why: "drain", retryMs: 700 });
});

test.each([
  "", "null", "7", "[]", "{", '{"t":"msg"}', '{"t":"msg","ch":"chat","epoch":"e","off":0,"id":"a","d":1}',
  '{"t":"msg","ch":"chat","epoch":"e","off":-1,"id":"a"}', '{"t":"msg","ch":"chat","epoch":"e","off":1.5,"id":"a"}',
  '{"t":"msg","ch":"chat","epoch":7,"off":1,"id":"a"}', '{"t":"ack","id":1,"off":1}', '{"t":"welcome","channels":{}}',
  '{"t":"reset","ch":"chat","epoch":"e"}', '{"t":"news","ch":"chat"}',
  '{"t":"msg","ch":"other","epoch":"e","off":1,"id":"a","d":1}',
])("%s is passed over", (text) => expect(readFrame(text, "chat")).toBeNull());

test("a page of the log, or nothing at all", () => {
  const page = '{"epoch":"e","next":2,"head":3,"more":true,"messages":[{"off":2,"id":"c:2","ts":"","d":1}]}';
  expect(readPage(page)).toEqual({ epoch: "e", next: 2, head: 3, more: true,
    messages: [{ offset: 2, id: "c:2", user: "", data: 1 }] });
  expect(readPage(page.replace('"off":2', '"off":"2"'))).toBeNull();
  expect(readPage("[]")).toBeNull();
  expect(readGone('{"epoch":"f","next":4,"why":"trimmed"}')).toEqual({ epoch: "f", next: 4, why: "trimmed" });
  expect(readGone("{}")).toBeNull();
});

test("where to go on", () => {
  expect(JSON.parse(helloFrame("c", "chat", { epoch: "e", offset: 4 }))).toEqual(
    { t: "hello", v: 1, client: "c", channels: { chat: { epoch: "e", since: 4 } } });
  expect(JSON.parse(helloFrame("c", "chat", { epoch: null, offset: 0 })).channels.chat).toEqual({ since: 0 });
  expect(pollQuery("chat", { epoch: "e", offset: 4 }, 20)).toBe("ch=chat&since=4&limit=500&wait=20&epoch=e");
  expect(pollQuery("a&b", { epoch: null, offset: 0 }, 0)).toBe("ch=a%26b&since=0&limit=500&wait=0");
});
