// Messages by day and sender, names of days, and addresses in texts.

import assert from "node:assert/strict";
import { test } from "node:test";
import { grouped } from "../src/app/chat/grouping.ts";
import { pieces } from "../src/app/chat/links.ts";
import { dayName, dayOf, fullTime, shortTime } from "../src/app/time.ts";
import type { MessageView } from "../src/worker/protocol.ts";
import { viewAt } from "./views.ts";

let made = 0;

function message(at: string, senderId: string, kind: MessageView["kind"] = "text"): MessageView {
  made += 1;
  const mine = senderId === "me";
  return viewAt(made, { kind, senderId, senderName: senderId, mine, text: "", at: new Date(at).toISOString() });
}

function shape(messages: MessageView[], firstUnread: string | null = null): string[] {
  return grouped(messages, firstUnread).map((block) =>
    block.kind === "run" ? `${block.senderName}×${block.messages.length}` : block.kind,
  );
}

test("messages of one sender stand together until another speaks or five minutes pass", () => {
  const messages = [
    message("2026-03-02T10:00", "alice"),
    message("2026-03-02T10:04", "alice"),
    message("2026-03-02T10:05", "bob"),
    message("2026-03-02T10:06", "alice"),
    message("2026-03-02T10:11", "alice"),
  ];

  assert.deepEqual(shape(messages), ["day", "alice×2", "bob×1", "alice×1", "alice×1"]);
});

test("a new day and a notice stand between messages of the same sender", () => {
  const messages = [
    message("2026-03-02T23:59", "alice"),
    message("2026-03-03T00:01", "alice"),
    message("2026-03-03T00:01", "", "notice"),
    message("2026-03-03T00:02", "alice"),
  ];

  assert.deepEqual(shape(messages), ["day", "alice×1", "day", "alice×1", "notice", "alice×1"]);
});

test("a line stands above what was not read before, and parts a run", () => {
  const messages = [
    message("2026-03-02T10:00", "alice"),
    message("2026-03-02T10:01", "alice"),
    message("2026-03-03T10:02", "alice"),
  ];

  assert.deepEqual(shape(messages, messages[1]?.id), ["day", "alice×1", "unread", "alice×1", "day", "alice×1"]);
  assert.deepEqual(shape(messages, messages[2]?.id), ["day", "alice×2", "day", "unread", "alice×1"]);
  assert.deepEqual(shape(messages, "not here"), ["day", "alice×2", "day", "alice×1"]);
});

test("days have the names people use", () => {
  const now = new Date("2026-03-05T00:30");
  const table: [string, string, string][] = [
    ["2026-03-05T00:10", "Today", "00:10"],
    ["2026-03-04T23:50", "Yesterday", "Yesterday"],
    ["2026-03-01T12:00", "Sunday", "Sunday"],
    ["2026-02-20T12:00", "20 February 2026", "20 Feb"],
  ];
  for (const [at, day, short] of table) {
    assert.equal(dayName(new Date(at).toISOString(), now), day);
    assert.equal(shortTime(new Date(at).toISOString(), now), short);
  }
});

test("addresses in a text become links without the punctuation around them", () => {
  const table: [string, string[]][] = [
    ["no address", []],
    ["see https://example.org.", ["https://example.org/"]],
    ["(http://a.example/x?y=1#z), and https://b.example/!", [
      "http://a.example/x?y=1#z",
      "https://b.example/",
    ]],
    ["javascript:alert(1) data:text/html,x ftp://old.example", []],
    ["https://", []],
  ];
  for (const [text, links] of table) {
    const found = pieces(text);

    assert.deepEqual(found.flatMap((piece) => (piece.kind === "link" ? [piece.href] : [])), links);
    assert.equal(found.map((piece) => piece.text).join(""), text);
  }
});

test("what a server says instead of a time is shown as long ago", () => {
  const now = new Date("2026-03-02T12:00");

  for (const at of ["", "yesterday", "2026-13-45T99:99"]) {
    for (const text of [dayName(at, now), fullTime(at), dayOf(at)]) assert.match(text, /19(69|70)/);
    assert.match(shortTime(at, now), /Jan|Dec/);
  }
});
