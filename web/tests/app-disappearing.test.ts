// What people may choose, and what the composer says of it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { appliesTo, choicesFor } from "../src/app/chat/disappearing.tsx";

const DAY = 86_400;

test("nothing is offered beyond the organisation's limit, and what is chosen now always is", () => {
  const offered = (lifetime: number | null, longest: number | null) =>
    choicesFor({ lifetime, longest }).map(({ label }) => label);

  assert.deepEqual(offered(null, null), [
    "Never",
    "30 seconds",
    "5 minutes",
    "1 hour",
    "8 hours",
    "1 day",
    "1 week",
    "4 weeks",
    "12 weeks",
  ]);
  assert.deepEqual(offered(null, DAY), ["1 day, as your organisation wants it", "30 seconds", "5 minutes", "1 hour", "8 hours"]);
  assert.deepEqual(offered(7 * DAY, DAY).slice(-2), ["8 hours", "1 week"]);
  assert.deepEqual(offered(120, null).slice(1, 4), ["30 seconds", "2 minutes", "5 minutes"]);
});

test("the composer says what holds, and whose limit it is", () => {
  assert.equal(appliesTo({ lifetime: null, longest: null }), null);
  assert.equal(appliesTo({ lifetime: DAY, longest: null }), "New messages disappear after 1 day.");
  assert.equal(appliesTo({ lifetime: 60, longest: DAY }), "New messages disappear after 1 minute.");
  for (const lifetime of [null, 7 * DAY]) {
    assert.equal(
      appliesTo({ lifetime, longest: DAY }),
      "New messages disappear after 1 day: your organisation keeps none longer.",
    );
  }
});
