import { expect, test } from "vitest";
import { mostUnanswered, Outbox } from "./outbox";

test("each publication has an id of its own, also after a reload", () => {
  const outbox = new Outbox("c1");
  expect(outbox.add((id) => ({ id }))).toMatchObject({ id: "c1:1", data: { id: "c1:1" }, state: "sending" });
  const again = new Outbox("c1", outbox.unanswered, outbox.count);
  expect(again.add(() => 0)!.id).toBe("c1:2");
  expect(again.unanswered.map((one) => one.id)).toEqual(["c1:1", "c1:2"]);
});

test("the first answer counts", () => {
  const outbox = new Outbox("c");
  outbox.add(() => 0);
  expect(outbox.acked("c:1", 7)).toBe(true);
  expect(outbox.failed("c:1", "late")).toBe(false);
  expect(outbox.acked("nobody's", 8)).toBe(false);
  expect(outbox.publications[0]).toMatchObject({ state: "acked", offset: 7, problem: "" });
});

test("what failed says why", () => {
  const outbox = new Outbox("c");
  outbox.add(() => 0);
  outbox.failed("c:1", "forbidden");
  expect(outbox.publications[0]).toMatchObject({ state: "failed", problem: "forbidden" });
  expect(outbox.unanswered).toEqual([]);
});

test("it is bounded, and what is unanswered is never what goes", () => {
  const outbox = new Outbox("c");
  const first = outbox.add(() => 0)!;
  for (let i = 2; i <= 200; i++) outbox.acked(outbox.add(() => 0)!.id, i);
  expect(outbox.publications.length).toBe(51);
  expect(outbox.publications[0]).toBe(first);
  for (let i = outbox.unanswered.length; i < mostUnanswered; i++) expect(outbox.add(() => 0)).not.toBeNull();
  expect(outbox.add(() => 0)).toBeNull();
});
