import { expect, test } from "vitest";
import { problemText } from "./commands";

test.each([
  ['{"title":"Bad","detail":"Write it so."}', "Write it so."],
  ['{"title":"Bad"}', "Bad"],
  ['{"detail":7}', "The demo answered with status 400."],
  ["<h1>Bad</h1>", "The demo answered with status 400."],
  ["null", "The demo answered with status 400."],
  ["", "The demo answered with status 400."],
])("the problem %s reads: %s", (body, text) => expect(problemText(400, body)).toBe(text));
