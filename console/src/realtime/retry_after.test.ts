import { expect, test } from "vitest";
import { retryAfterMs } from "./retry_after";

test.each([[null, 0], ["2", 2000], ["99999999999", 60_000], ["-1", 0], ["soon", 0], ["Wed, 21 Oct 2026 07:28:00 GMT", 0]])(
  "Retry-After: %s is %d ms", (field, ms) => expect(retryAfterMs(field)).toBe(ms));
