// The window of rows: pages in both directions, arrivals, and messages that find their place late.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as rows from "../src/app/chat/window.ts";
import type { MessageView } from "../src/worker/protocol.ts";
import { viewAt as message } from "./views.ts";

/** A conversation of so many messages, read as the engine is: backwards only. */
class Log {
  readonly all: MessageView[];

  constructor(count: number) {
    this.all = Array.from({ length: count }, (_, index) => message(index + 1));
  }

  before(id: string | null): [MessageView[], boolean] {
    const end = id === null ? this.all.length : this.all.findIndex((one) => one.id === id);
    const start = Math.max(0, end - rows.PAGE);
    return [this.all.slice(start, end), start > 0];
  }

  newest(): rows.Window {
    return rows.newestPage(...this.before(null));
  }

  older(window: rows.Window): rows.Window {
    return rows.withOlder(window, ...this.before(window.rows[0]?.id ?? null));
  }

  newer(window: rows.Window): rows.Window {
    const cursor = rows.newerCursor(window);
    assert(cursor !== null);
    return rows.withNewer(window, this.before(cursor.before)[0]);
  }
}

function positions(window: rows.Window): (number | null)[] {
  return window.rows.map((row) => row.position);
}

function from(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

function toTheTop(log: Log): rows.Window {
  let window = log.newest();
  while (rows.hasOlder(window)) window = log.older(window);
  return window;
}

test("never more than 200 rows are shown, all the way up and down again", () => {
  const log = new Log(1000);
  let window = log.newest();
  while (rows.hasOlder(window)) {
    window = log.older(window);
    assert(window.rows.length <= rows.MOST_ROWS);
  }
  assert.deepEqual(positions(window), from(1, 200));

  while (!rows.isAtEnd(window)) {
    window = log.newer(window);
    assert(window.rows.length <= rows.MOST_ROWS);
  }
  assert.deepEqual(positions(window), from(801, 1000));
  assert(rows.hasOlder(window));
});

test("a message that arrives while one reads far above is found when one comes down", () => {
  const log = new Log(300);
  let window = toTheTop(log);
  log.all.push(message(301));

  window = rows.withChanges(window, [message(301)]);

  assert.deepEqual(positions(window), from(1, 200));
  assert(!rows.isAtEnd(window));
  while (!rows.isAtEnd(window)) window = log.newer(window);
  assert.equal(window.rows.at(-1)?.position, 301);
});

test("a message that arrives at the end is shown, once, however often it is told", () => {
  let window = new Log(3).newest();

  window = rows.withChanges(window, [message(4)]);
  window = rows.withChanges(window, [message(4), message(4, { text: "changed" })]);

  assert.deepEqual(positions(window), [1, 2, 3, 4]);
  assert.equal(window.rows.at(-1)?.text, "changed");
});

test("an own message stands last until it has a position, then at its place", () => {
  const own = message(5, { id: "own", mine: true, position: null, delivery: "sending" });
  let window = rows.withChanges(new Log(3).newest(), [own]);
  window = rows.withChanges(window, [message(4)]);
  assert.deepEqual(positions(window), [1, 2, 3, 4, null]);

  window = rows.withChanges(window, [message(6)]);
  window = rows.withChanges(window, [{ ...own, position: 5, delivery: "sent" }]);

  assert.deepEqual(positions(window), [1, 2, 3, 4, 5, 6]);
  assert.deepEqual(window.known, ["m1", "m2", "m3", "m4", "own", "m6"]);
});

test("a change of a message that was not loaded puts it nowhere, and what is loaded keeps its order", () => {
  const window = rows.newestPage([message(60), message(61)], true);
  const whole = rows.newestPage([message(60), message(61)], false);

  const after = rows.withChanges(window, [message(3)]);

  assert.deepEqual(after, window);
  assert.deepEqual(rows.withChanges(whole, [message(3)]).known, ["m3", "m60", "m61"]);
});

test("answers quote what a message says now, and nothing of what is gone or deleted", () => {
  const reply = { id: "m1", senderName: "Alice", text: "canary" };
  const window = rows.newestPage([message(1), message(2, { reply }), message(3, { reply: { ...reply, id: "m2" } })], false);
  const quotes = ({ rows: shown }: rows.Window) => shown.map((row) => row.reply?.text ?? null);

  const afterGone = rows.without(window, ["m1"]);
  const afterDeletion = rows.withChanges(window, [message(1, { kind: "notice" })]);

  const afterChange = rows.withChanges(window, [message(1, { text: "corrected" })]);

  assert.deepEqual(quotes(window), [null, "canary", "canary"]);
  assert.deepEqual(quotes(afterChange), [null, "corrected", "canary"]);
  assert.deepEqual(quotes(afterGone), ["", "canary"]);
  assert.deepEqual(quotes(afterDeletion), [null, "", "canary"]);
});

test("the first unread message is so many from the end, without one's own and notices", () => {
  const all = [message(1), message(2, { mine: true }), message(3), message(4, { kind: "notice" }), message(5)];
  const window = rows.newestPage(all, false);

  const found = [0, 1, 2, 3, 4].map((unread) => rows.firstUnread(window, unread));

  assert.deepEqual(found.map(({ id }) => id), [null, "m5", "m3", "m1", "m1"]);
  assert.deepEqual(found.map(({ isFound }) => isFound), [true, true, true, true, false]);
  assert.deepEqual(rows.firstUnread(rows.EMPTY, 1), { id: null, isFound: false });
});

test("a discarded message is gone from what is shown and what is known", () => {
  const window = rows.without(new Log(3).newest(), ["m2"]);

  assert.deepEqual(positions(window), [1, 3]);
  assert.deepEqual(window.known, ["m1", "m3"]);
});

test("an empty conversation is at its end and takes its first message", () => {
  const window = rows.newestPage([], false);

  assert(rows.isAtEnd(window));
  assert(!rows.hasOlder(window));
  assert.deepEqual(positions(rows.withChanges(window, [message(1)])), [1]);
});
