import { expect, test } from "vitest";
import { bytes, count, digestGroups, duration, moment, percent, rate } from "./format";

test.each([
  [0, "0 B"], [1, "1 B"], [1023, "1023 B"], [1024, "1 KiB"], [1536, "1.5 KiB"],
  [1023.6 * 1024, "1 MiB"], [12.34 * 1024 ** 2, "12.3 MiB"], [256 * 1024 ** 2, "256 MiB"],
  [100 * 1024 ** 2, "100 MiB"], [10 * 1024 ** 3, "10 GiB"], [-5, "0 B"],
])("%d bytes are %s", (value, text) => expect(bytes(value)).toBe(text));

test("a rate is bytes in a second", () => expect(rate(8 * 1024 ** 2)).toBe("8 MiB/s"));

test.each([
  [0, "0 s"], [59.4, "59 s"], [59.6, "1 min 00 s"], [65, "1 min 05 s"], [7380, "2 h 03 min"], [-1, "0 s"],
])("%d seconds are %s", (value, text) => expect(duration(value)).toBe(text));

test("a moment has tenths", () => {
  expect(moment(7340)).toBe("0:07.3");
  expect(moment(760_000)).toBe("12:40.0");
});

test("what is not complete never says 100 %", () => {
  expect(percent(99.99)).toBe("99.9 %");
  expect(percent(100)).toBe("100 %");
  expect(percent(0)).toBe("0.0 %");
});

test("nouns agree", () => {
  expect(count(1, "retry", "retries")).toBe("1 retry");
  expect(count(2, "retry", "retries")).toBe("2 retries");
  expect(count(0, "time")).toBe("0 times");
});

test("a digest in groups loses nothing", () => {
  const hex = "0123456789abcdef0";
  expect(digestGroups(hex)).toEqual(["01234567", "89abcdef", "0"]);
  expect(digestGroups("")).toEqual([]);
});
