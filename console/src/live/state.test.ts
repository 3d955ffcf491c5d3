import { expect, test } from "vitest";
import { demo, demoChanges, receive, topic } from "./state";

test("a topic is the same for all who ask, and empty until it came", () => {
  const words = topic<string[]>("words");
  expect(words.value).toBeNull();
  receive("words", '["a"]');
  expect(topic<string[]>("words").value).toEqual(["a"]);
  receive("words", '["b"]');
  expect(words.value).toEqual(["b"]);
});

test("unknown topics are passed over", () => expect(() => receive("nobody", "not even JSON")).not.toThrow());

test("what cannot be read changes nothing", () => {
  const torn = topic<number>("torn");
  receive("torn", "1");
  receive("torn", '{"half');
  expect(torn.value).toBe(1);
});

test("another instance of the demo is noticed, the same one is not", () => {
  receive("demo", '{"version":"1","instance":"a"}');
  receive("demo", '{"version":"1","instance":"a"}');
  expect(demoChanges.value).toBe(0);
  receive("demo", '{"version":"1","instance":"b"}');
  expect(demoChanges.value).toBe(1);
  expect(demo.value!.instance).toBe("b");
});
