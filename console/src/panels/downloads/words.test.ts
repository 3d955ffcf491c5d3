import { expect, test } from "vitest";
import { exampleDownload } from "./example";
import { amount, announcement, digestVerdict, remaining, stateText, took, toneOf } from "./words";

const result = { outcome: "ok", exit_code: 0, message: "saved", sha256: "aa", bytes: 1, seconds: 2.345 };

test("the state is said with its phase while it runs", () => {
  expect(stateText(exampleDownload())).toBe("Downloading");
  expect(stateText(exampleDownload({ phase: "waiting" }))).toBe("Waiting to retry");
  expect(stateText(exampleDownload({ state: "killed", phase: "waiting" }))).toBe("Killed");
});

test("a digest is the same in any case of its letters, and differs otherwise", () => {
  expect(digestVerdict(exampleDownload())).toBe("none");
  expect(digestVerdict(exampleDownload({ result }))).toBe("same");
  expect(digestVerdict(exampleDownload({ result: { ...result, sha256: "ab" } }))).toBe("differs");
  expect(digestVerdict(exampleDownload({ result, expected_sha256: null }))).toBe("alone");
});

test("done with another digest does not look good", () => {
  expect(toneOf(exampleDownload({ state: "done", result }))).toBe("good");
  expect(toneOf(exampleDownload({ state: "done", result: { ...result, sha256: "ab" } }))).toBe("bad");
});

test("amounts and times", () => {
  expect(amount(exampleDownload())).toBe("4 MiB of 16 MiB");
  expect(amount(exampleDownload({ total_bytes: null }))).toBe("4 MiB");
  expect(remaining(exampleDownload())).toBe("12 s left");
  expect(remaining(exampleDownload({ state: "paused" }))).toBeNull();
  expect(took(exampleDownload({ result }))).toBe("in 2.3 s");
  expect(took(exampleDownload({ result, resumed_bytes: 1 }))).toBe("last run 2.3 s");
});

test("changes of state are announced, progress is not", () => {
  const before = [exampleDownload()];
  expect(announcement(before, [exampleDownload({ percentage: 50 })])).toBe("");
  expect(announcement(before, [exampleDownload({ state: "killed" })])).toBe("tide.bin: killed.");
  expect(announcement(before, [exampleDownload({ state: "done", result })])).toBe(
    "tide.bin: done, the digest is the expected one.");
  expect(announcement([], before)).toBe("tide.bin: downloading.");
});
