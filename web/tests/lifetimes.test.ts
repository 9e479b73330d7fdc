// Messages that disappear: from the screen, from the list of conversations, and from what is stored.

import assert from "node:assert/strict";
import { test } from "node:test";
import { isProblem } from "../src/api/http.ts";
import { durationOf } from "../src/durations.ts";
import type { DueRecord } from "../src/store/records.ts";
import type { Context } from "../src/worker/context.ts";
import { Lifetimes } from "../src/worker/lifetimes.ts";
import { Lock } from "../src/worker/lock.ts";
import type { Browser } from "./people.ts";
import { direct, signUp, until } from "./people.ts";
import { Relay } from "./relay.ts";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

async function two(relay = new Relay()): Promise<[Browser, Browser, string]> {
  const alice = await signUp(relay, "Alice");
  const bob = await signUp(relay, "Bob");
  return [alice, bob, await direct(alice, bob)];
}

function choose(browser: Browser, id: string, lifetime: number | null): Promise<null> {
  return browser.engine.setLifetime(id, lifetime, crypto.randomUUID());
}

function summary({ snapshot }: Browser, id: string) {
  const found = snapshot.conversations.find((conversation) => conversation.id === id);
  assert(found);
  return found;
}

async function agreed(browser: Browser, id: string, lifetime: number | null): Promise<void> {
  await until(() => summary(browser, id).lifetime === lifetime, "the choice is known");
}

async function notices(browser: Browser, id: string): Promise<string[]> {
  return (await browser.messages(id)).filter(({ kind }) => kind === "notice").map(({ text }) => text);
}

/** Ids of the messages that lie in the store. */
function stored(browser: Browser): string[] {
  return ["messages", "outbox", "due"].flatMap((store) => [
    ...(browser.store.rows.get(store as "messages")?.keys() ?? []),
  ]);
}

test("whoever makes messages disappear is named, and what was written before stays", async () => {
  const [alice, bob, id] = await two();
  await alice.send(id, "stays");
  await bob.reads(id, ["stays"]);

  await choose(alice, id, HOUR);
  await agreed(bob, id, HOUR);
  await bob.send(id, "goes");
  await alice.reads(id, ["stays", "goes"]);

  assert.deepEqual(await notices(bob, id), ["Alice made new messages disappear after 1 hour."]);
  assert.deepEqual(await notices(alice, id), ["You made new messages disappear after 1 hour."]);
  for (const browser of [alice, bob]) {
    browser.ahead = HOUR * 1000 + 1;
    assert.deepEqual(await browser.texts(id), ["stays"]);
  }
});

test("nothing of it is left, with sender and receiver, and the list says what was before", async () => {
  const relay = new Relay();
  const [alice, bob, id] = await two(relay);
  await alice.send(id, "stays");
  await choose(alice, id, HOUR);
  const { messageId } = await alice.send(id, "goes");
  await bob.reads(id, ["stays", "goes"]);
  await until(async () => (await alice.messages(id)).at(-1)?.delivery === "delivered", "delivered");
  await until(() => alice.store.rows.get("outbox")?.size === 0, "its echo has come");
  assert.equal(summary(bob, id).unread, 2);
  assert.equal(relay.lifetimes.get(messageId), HOUR);

  for (const browser of [alice, bob]) browser.ahead = HOUR * 1000 + 1;
  await Promise.all([alice.messages(id), bob.messages(id)]);

  assert.equal(stored(alice).includes(messageId), false);
  assert.equal(bob.store.rows.get("messages")?.size, 2); // what stays, and who chose
  for (const browser of [alice, bob]) {
    assert.equal(browser.store.rows.get("due")?.size, 0);
    assert.equal(summary(browser, id).lastMessage?.text, "stays");
    const gone = browser.notifications.filter(({ type }) => type === "gone");
    assert.equal(gone.length, 1);
  }
  assert.equal(summary(bob, id).unread, 1);
});

test("they go by themselves while the page is open", async () => {
  const [alice, bob, id] = await two();
  await choose(alice, id, 10);
  await agreed(bob, id, 10);
  bob.ahead = 9_000; // so that a second is left of ten

  await alice.send(id, "soon gone");
  await bob.reads(id, ["soon gone"]);

  await until(() => bob.notifications.some(({ type }) => type === "gone"), "it has gone");
  assert.equal(bob.store.rows.get("due")?.size, 0);
  assert.equal(summary(bob, id).lastMessage, null);
});

test("they go by themselves when that takes longer than a look at the clock", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  const due: DueRecord[] = [{ messageId: "m", within: "c", conversationId: "", sequence: 200_000 }];
  const records = { oldest: async () => due, unit: () => ({ remove: () => ({ remove: () => due.splice(0) }), commit: async () => undefined }) };
  const closed = new AbortController().signal;
  const context = { records, closed, lock: new Lock(), conversations: new Map(), now: () => Date.now() } as unknown as Context;
  const lifetimes: Lifetimes = new Lifetimes({ context, gone: () => undefined, due: () => void lifetimes.sweep() });
  await lifetimes.sweep();

  for (let second = 0; second <= 200; second += 10) {
    assert.equal(due.length, second <= 190 ? 1 : due.length, `still there after ${second} s`);
    t.mock.timers.tick(10_000);
    for (let turn = 0; turn < 20; turn += 1) await null;
  }

  assert.equal(due.length, 0);
});

test("a message whose place only the sender was told goes too", async () => {
  const relay = new Relay();
  const [alice, , id] = await two(relay);
  await choose(alice, id, HOUR);
  await until(() => alice.store.rows.get("outbox")?.size === 0, "the choice has its place");
  const tell = relay.tellDevice.bind(relay);
  relay.tellDevice = (device, frame) => {
    if (frame.type !== "entry_appended" || device !== alice.server.deviceId) tell(device, frame);
  };

  await alice.send(id, "goes");
  await until(async () => (await alice.messages(id)).at(-1)?.delivery !== "sending", "it is accepted");
  alice.ahead = HOUR * 1000 + 1000;

  assert.deepEqual(await alice.texts(id), []);
});

test("what was due while the page was closed is gone before anything is shown", async () => {
  const [alice, bob, id] = await two();
  await choose(alice, id, HOUR);
  await alice.send(id, "goes");
  await bob.reads(id, ["goes"]);
  await bob.close();

  bob.ahead = HOUR * 1000 + 1;
  const listed = bob.notifications.length;
  await bob.open();

  assert.equal(bob.store.rows.get("due")?.size, 0);
  const shown = bob.notifications.slice(listed).flatMap((told) => (told.type === "snapshot" ? [told.snapshot] : []));
  for (const { conversations } of shown) assert.equal(conversations[0]?.lastMessage, null);
  assert.deepEqual(await bob.texts(id), []);
});

test("what comes after its time is not shown, and says that it has expired", async () => {
  const [alice, bob, id] = await two();
  await choose(alice, id, HOUR);
  await agreed(bob, id, HOUR);
  bob.ahead = HOUR * 1000 + 1;

  await alice.send(id, "too late");

  await until(async () => (await notices(bob, id)).length === 2, "the place is shown");
  assert.equal((await notices(bob, id)).at(-1), "A message has expired before it came to this device.");
  assert.equal(summary(bob, id).unread, 0);
});

for (const [what, said] of [
  ["whose clock is ahead", () => new Date(Date.now() + DAY * 1000).toISOString()],
  ["that says no time", () => "soon"],
] as const) {
  test(`a server ${what} does not lengthen it`, () => isNotLengthened(said));
}

async function isNotLengthened(said: () => string): Promise<void> {
  const relay = new Relay();
  const [alice, bob, id] = await two(relay);
  await choose(alice, id, HOUR);
  await agreed(bob, id, HOUR);
  relay.tamper = (entry) => ({ ...entry, created_at: said() });

  await alice.send(id, "goes");
  await bob.reads(id, ["goes"]);

  bob.ahead = (HOUR + MINUTE) * 1000;
  assert.deepEqual(await bob.texts(id), []);
}

test("the organisation's limit counts where it is shorter, and is told", async () => {
  const relay = new Relay();
  relay.retentionDays = 1;
  const [alice, bob, id] = await two(relay);
  assert.equal(summary(alice, id).longest, DAY);

  const unlimited = await alice.send(id, "as long as may be");
  await choose(alice, id, 7 * DAY);
  const longer = await alice.send(id, "no longer than that");
  await choose(alice, id, HOUR);
  const shorter = await alice.send(id, "an hour");
  await bob.reads(id, ["as long as may be", "no longer than that", "an hour"]);

  const lifetimes = [unlimited, longer, shorter].map(({ messageId }) => relay.lifetimes.get(messageId));
  assert.deepEqual(lifetimes, [DAY, DAY, HOUR]);
  bob.ahead = 2 * HOUR * 1000;
  assert.deepEqual(await bob.texts(id), ["as long as may be", "no longer than that"]);
});

test("so does the limit of this conversation on the server", async () => {
  const relay = new Relay();
  const [alice, , id] = await two(relay);
  relay.conversation(id).info.retention_seconds = HOUR;
  await alice.reload();

  const { messageId } = await alice.send(id, "an hour");

  await until(() => relay.lifetimes.has(messageId), "it is sent");
  assert.equal(summary(alice, id).longest, HOUR);
  assert.equal(relay.lifetimes.get(messageId), HOUR);
});

test("who is added later hears of it, and the others do not hear of it again", async () => {
  const relay = new Relay();
  const [alice, bob] = await two(relay);
  const carol = await signUp(relay, "Carol");
  const { conversationId: id } = await alice.engine.createGroup("Night", [bob.personId], crypto.randomUUID());
  await choose(alice, id, HOUR);
  await until(() => bob.knows(id) && summary(bob, id).lifetime === HOUR, "Bob knows");

  await alice.engine.addPeople(id, [carol.personId]);

  await until(() => carol.knows(id) && summary(carol, id).lifetime === HOUR, "Carol knows");
  await alice.send(id, "last"); // whatever was said before is there
  await bob.reads(id, ["last"]);
  assert.equal((await notices(bob, id)).filter((text) => text.includes("disappear")).length, 1);
});

test("it can be turned off again, and choosing the same says nothing", async () => {
  const relay = new Relay();
  const [alice, bob, id] = await two(relay);
  await choose(alice, id, HOUR);
  await agreed(bob, id, HOUR);

  await choose(bob, id, HOUR);
  await choose(bob, id, null);
  await agreed(alice, id, null);
  const { messageId } = await alice.send(id, "stays");

  await bob.reads(id, ["stays"]);
  assert.deepEqual((await notices(alice, id)).slice(1), ["Bob turned disappearing messages off."]);
  assert.equal(relay.lifetimes.get(messageId), null);
});

test("of two choices at once the one with the later place counts for both", async () => {
  const relay = new Relay();
  const [alice, bob, id] = await two(relay);
  bob.server.goOffline();

  await choose(bob, id, DAY);
  await choose(alice, id, HOUR);
  await until(() => relay.conversation(id).log.length >= 2, "Alice's has its place");
  bob.server.goOnline();

  await agreed(alice, id, DAY);
  await agreed(bob, id, DAY);
});

test("no lifetime is taken that is none", async () => {
  const [alice, , id] = await two();

  for (const lifetime of [0, 9, 1.5, Infinity, NaN, -HOUR]) {
    await assert.rejects(choose(alice, id, lifetime), (error: unknown) => isProblem(error, "invalid"));
  }
  assert.equal(summary(alice, id).lifetime, null);
});

test("nothing is left of what waited to be said about it either", async () => {
  const relay = new Relay();
  const [alice, , id] = await two(relay);
  await choose(alice, id, HOUR);
  await alice.send(id, "goes");
  await until(async () => (await alice.messages(id)).at(-1)?.position != null, "it has its place");
  const hers = (await alice.messages(id)).at(-1)?.id ?? "";
  relay.refusesMessages = "message_rate_exceeded";
  await alice.engine.react(id, hers, "👍");
  await until(async () => (await alice.messages(id)).at(-1)?.unsent !== null, "the reaction is refused");
  alice.server.goOffline();
  await alice.engine.editMessage(id, hers, "goes as well");
  const waits = () => alice.store.rows.get("outbox")?.size;
  assert.equal(waits(), 2);

  alice.ahead = HOUR * 1000 + 1;

  assert.deepEqual(await alice.texts(id), []);
  assert.equal(waits(), 0);
});

test("durations are said in the largest unit that fits", () => {
  const said = [30, 60, 5 * MINUTE, HOUR, 36 * HOUR, DAY, 7 * DAY, 28 * DAY, 30 * DAY].map(durationOf);

  assert.deepEqual(said, [
    "30 seconds", "1 minute", "5 minutes", "1 hour", "36 hours", "1 day", "1 week", "4 weeks", "30 days",
  ]);
});
