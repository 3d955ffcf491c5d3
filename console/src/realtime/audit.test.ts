import { expect, test } from "vitest";
import { Audit } from "./audit";

function audited(offsets: number[], from = 0) {
  const audit = new Audit({ epoch: "e", offset: from });
  for (const offset of offsets) audit.took(offset);
  return audit;
}

test("a stream in order is clean", () => {
  expect(audited([1, 2, 3]).figures).toEqual({ received: 3, lost: 0, duplicated: 0, out_of_order: 0, resets: 0 });
});

test("a gap is lost until it is filled, and then out of order", () => {
  const audit = audited([1, 4]);
  expect(audit.figures.lost).toBe(2);
  audit.took(2);
  audit.took(3);
  expect(audit.figures).toMatchObject({ lost: 0, out_of_order: 1, duplicated: 0 });
});

test("what comes twice counts, also from before the beginning", () => {
  expect(audited([11, 11, 10], 10).figures).toMatchObject({ duplicated: 2, lost: 0 });
});

test("a cursor ahead of what came has lost something", () => {
  const audit = audited([1, 2]);
  audit.claims({ epoch: "e", offset: 5 });
  expect(audit.figures.lost).toBe(3);
});

test("a reset begins anew and forgives nothing", () => {
  const audit = audited([1, 3]);
  audit.reset({ epoch: "f", offset: 7 });
  audit.took(8);
  expect(audit.figures).toMatchObject({ lost: 1, received: 3, resets: 1 });
});
