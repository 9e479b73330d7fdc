// What is inside a message, and whether it stands where it belongs.

import assert from "node:assert/strict";
import { test } from "node:test";
import { utf8 } from "../src/bytes.ts";
import { ContentRefused, checkEnvelope, encodeContent, encodeEnvelope, parseContent } from "../src/worker/content.ts";
import type { Entry } from "../src/worker/server.ts";

const [CONVERSATION, MESSAGE, ALICE, MALLORY] = [0, 1, 2, 3].map(() => crypto.randomUUID()) as [
  string,
  string,
  string,
  string,
];
const ENVELOPE = {
  conversation_id: CONVERSATION,
  message_id: MESSAGE,
  sender_device_id: ALICE,
  last_position: 6,
};
const ENTRY: Entry = {
  conversation_id: CONVERSATION,
  position: 7,
  kind: "message",
  epoch: 1,
  sender_device_id: ALICE,
  message_id: MESSAGE,
  created_at: "2026-01-01T00:00:00Z",
  data: "",
};

test("an envelope that says what the server says is accepted", () => {
  checkEnvelope(encodeEnvelope(ENVELOPE), ENTRY, ALICE);
});

test("a member cannot write as another, even when the server helps", () => {
  assert.throws(() => checkEnvelope(encodeEnvelope(ENVELOPE), ENTRY, MALLORY), ContentRefused);
});

test("an envelope that differs in anything is refused", () => {
  const other = crypto.randomUUID();
  const refused = [
    { ...ENVELOPE, conversation_id: other },
    { ...ENVELOPE, message_id: other },
    { ...ENVELOPE, sender_device_id: MALLORY },
    { ...ENVELOPE, last_position: 7 },
    { ...ENVELOPE, last_position: -1 },
    { ...ENVELOPE, last_position: 1.5 },
    { ...ENVELOPE, more: 1 },
  ];
  for (const envelope of refused) {
    assert.throws(() => checkEnvelope(encodeEnvelope(envelope), ENTRY, ALICE), ContentRefused);
  }
  for (const text of ["", "[]", "null", "{}", '"x"', "{"]) {
    assert.throws(() => checkEnvelope(utf8(text), ENTRY, ALICE), ContentRefused);
  }
});

test("content comes back as it was, and what is unknown is told apart from what is wrong", () => {
  const name = { type: "conversation_named", name: "Planning" } as const;

  assert.deepEqual(parseContent(encodeContent({ type: "text", text: "hi" })), { type: "text", text: "hi" });
  assert.deepEqual(parseContent(encodeContent(name)), name);
  assert.equal(parseContent(utf8('{"v": 2, "type": "dance"}')), null);
  assert.deepEqual(parseContent(utf8('{"type": "text", "text": "hi", "later": 1}')), { type: "text", text: "hi" });
  for (const text of ['{"type": "text"}', '{"type": "text", "text": ""}', '{"type": "text", "text": 1}', "[]"]) {
    assert.throws(() => parseContent(utf8(text)), ContentRefused);
  }
  assert.throws(() => parseContent(encodeContent({ type: "text", text: "x".repeat(16_001) })), ContentRefused);
  assert.throws(() => parseContent(encodeContent({ ...name, name: "x".repeat(101) })), ContentRefused);
});

test("what is about another message names its place", () => {
  const answer = { type: "text", text: "yes", reply_to: 7 } as const;
  const changed = { type: "edited", about: 7, text: "no", lifetime: 60 } as const;
  const felt = { type: "reaction", about: 7, emoji: "👍🏽" } as const;

  for (const content of [answer, felt, { ...felt, emoji: null }, { type: "deleted", about: 7 } as const, changed]) {
    assert.deepEqual(parseContent(encodeContent(content)), content);
  }
  for (const text of [
    '{"type": "reaction", "about": 0, "emoji": "x"}',
    '{"type": "reaction", "about": 1.5, "emoji": "x"}',
    '{"type": "reaction", "about": 9007199254740992, "emoji": "x"}',
    '{"type": "reaction", "about": 7, "emoji": ""}',
    `{"type": "reaction", "about": 7, "emoji": "${"x".repeat(17)}"}`,
    '{"type": "reaction", "about": 7}',
    '{"type": "reaction", "emoji": "x"}',
    '{"type": "edited", "about": 7}',
    '{"type": "edited", "about": 7, "text": ""}',
    '{"type": "edited", "text": "hi"}',
    '{"type": "deleted", "about": -1}',
    '{"type": "deleted"}',
    '{"type": "text", "text": "hi", "reply_to": 0}',
  ]) {
    assert.throws(() => parseContent(utf8(text)), ContentRefused, text);
  }
});

test("how long a message is kept is read, and what is no lifetime makes it unreadable", () => {
  const limited = { type: "text", text: "hi", lifetime: 60 } as const;

  assert.deepEqual(parseContent(encodeContent(limited)), limited);
  assert.deepEqual(parseContent(utf8('{"type": "text", "text": "hi", "lifetime": null}')), { type: "text", text: "hi" });
  for (const lifetime of [86_400, null]) {
    const set = { type: "lifetime_set", lifetime } as const;
    assert.deepEqual(parseContent(encodeContent(set)), set);
  }
  for (const lifetime of ["9", "0", "-60", "60.5", '"60"', "true", `${10 * 31_622_400 + 1}`]) {
    for (const rest of ['"type": "text", "text": "hi"', '"type": "lifetime_set"']) {
      assert.throws(() => parseContent(utf8(`{${rest}, "lifetime": ${lifetime}}`)), ContentRefused, lifetime);
    }
  }
  assert.throws(() => parseContent(utf8('{"type": "lifetime_set"}')), ContentRefused);
});

const FILE = {
  type: "file",
  v: 1,
  attachment_id: MESSAGE,
  name: "Grüße 2026.pdf",
  media_type: "application/pdf",
  size: 20_971_520,
  key: "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
  sha256: "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
};

test("a file is read as it was written, without what is unknown", () => {
  const { v: _v, ...file } = FILE;

  assert.deepEqual(parseContent(utf8(JSON.stringify({ ...FILE, mood: "good" }))), file);
});

const OTHER_FORMS: Record<string, unknown>[] = [
  { name: "" },
  { name: "../etc/passwd" },
  { name: "a\\b" },
  { name: "line\nbreak" },
  { name: "photo\u202egnp.exe" },
  { name: "n".repeat(256) },
  { name: 7 },
  { media_type: "text" },
  { media_type: "text/html; charset=utf-8" },
  { media_type: `a/${"b".repeat(100)}` },
  { size: -1 },
  { size: 2 ** 53 },
  { size: 1.5 },
  { size: "1" },
  { key: "AAECAw==" },
  { key: `${FILE.key}\n` },
  { sha256: FILE.sha256.replace("=", "") },
  { attachment_id: "../../messages" },
  { attachment_id: null },
];

test("a file of another form is refused", () => {
  for (const change of OTHER_FORMS) {
    const changed = utf8(JSON.stringify({ ...FILE, ...change }));
    assert.throws(() => parseContent(changed), ContentRefused, JSON.stringify(change));
  }
});
