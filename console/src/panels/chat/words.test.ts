import { expect, test } from "vitest";
import { exampleClient } from "./example";
import { announcement, faultsOf, modeText, modeTone, verdictOf } from "./words";

test.each([
  [{ mode: "websocket" }, "WebSocket", "good"],
  [{ mode: "polling" }, "Polling", "wait"],
  [{ mode: "disconnected", filling: true }, "Polls fill the gap", "wait"],
  [{ mode: "disconnected", connecting: true }, "Connecting…", "bad"],
  [{ mode: "disconnected" }, "Not connected", "bad"],
] as const)("%o is %s", (more, text, tone) => {
  expect(modeText(exampleClient(more))).toBe(text);
  expect(modeTone(exampleClient(more))).toBe(tone);
});

test("the verdict says the worst first", () => {
  const good = exampleClient();
  const behind = exampleClient({ id: "b", offset: 7 });
  const lost = exampleClient({ id: "page", figures: { ...good.figures, lost: 1 } });
  expect(verdictOf([good], 10)).toMatchObject({ tone: "good" });
  expect(verdictOf([good, behind], 10).text).toBe("Behind: B by 3. Nothing is lost so far.");
  expect(verdictOf([good, behind, lost], 10)).toMatchObject({ tone: "bad" });
  expect(verdictOf([good, behind, lost], 10).text).toContain("This page");
});

test("each kind of fault counts", () => {
  const { figures } = exampleClient();
  for (const name of ["lost", "duplicated", "out_of_order", "different"] as const)
    expect(faultsOf(exampleClient({ figures: { ...figures, [name]: 2 } }))).toBe(2);
  expect(faultsOf(exampleClient({ figures: { ...figures, resets: 2 } }))).toBe(0);
});

test("changes of the way are announced, messages are not", () => {
  const before = [exampleClient()];
  expect(announcement(before, [exampleClient({ offset: 11 })])).toBe("");
  expect(announcement(before, [exampleClient({ mode: "polling" })])).toBe("A: Polling.");
  expect(announcement([], before)).toBe("");
});
