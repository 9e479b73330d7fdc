// From a refusal to the sentence a person reads.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ProblemError } from "../src/api/http.ts";
import { codeOf, explained, retryAfter, sentenceFor } from "../src/app/problems.ts";
import { words } from "../src/app/words.ts";

test("a refusal is told in our words, else in the server's, else as what it is", () => {
  assert.equal(sentenceFor(new ProblemError("offline", "x")), words.problems["offline"]);
  assert.equal(sentenceFor(new ProblemError("never_heard_of", "The moon is full.")), "The moon is full.");
  assert.equal(sentenceFor(new ProblemError("never_heard_of", "")), words.unknownProblem);
  assert.equal(sentenceFor(new TypeError("a bug")), words.unknownProblem);
  assert.equal(sentenceFor({ code: "device_limit", detail: "" }), words.problems["device_limit"]);
});

test("why a password is too weak is told by the server, who knows", () => {
  const why = "This password is too common.";

  assert.equal(sentenceFor(new ProblemError("password_too_weak", why)), why);
  assert.equal(sentenceFor(new ProblemError("password_too_weak", "")), words.problems["password_too_weak"]);
});

test("what the server says of single fields is added", () => {
  const problem = new ProblemError("invalid_input", "Look again.", 400, {}, [
    { pointer: "/username", detail: "This is too long." },
    { pointer: "/email", detail: "" },
  ]);

  assert.equal(explained(problem), "Look again. This is too long.");
});

test("codes and waiting times are read only where they are", () => {
  const locked = new ProblemError("face_locked", "", 429, { retry_after: 11.2 });

  assert.equal(codeOf(locked), "face_locked");
  assert.equal(retryAfter(locked), 12);
  assert.equal(retryAfter(new ProblemError("face_locked", "")), null);
  assert.equal(codeOf(new Error("a bug")), null);
});
