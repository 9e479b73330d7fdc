// Answers, reactions, and messages that are taken back: the same for everybody, and nobody's but who may.

import assert from "node:assert/strict";
import { test } from "node:test";
import { isProblem } from "../src/api/http.ts";
import { amended } from "../src/worker/amendments.ts";
import type { Context } from "../src/worker/context.ts";
import { Conversation } from "../src/worker/conversation.ts";
import { unlock } from "../src/worker/registration.ts";
import { type Browser, direct, signUp, until } from "./people.ts";
import { Relay } from "./relay.ts";

async function two(relay = new Relay()): Promise<[Browser, Browser, string]> {
  const alice = await signUp(relay, "Alice");
  const bob = await signUp(relay, "Bob");
  return [alice, bob, await direct(alice, bob)];
}

async function viewOf(browser: Browser, id: string, text: string) {
  return (await browser.messages(id)).find((message) => message.text === text);
}

/** The id that a message has in this browser, once it has its place. */
async function idOf(browser: Browser, id: string, text: string): Promise<string> {
  await until(async () => (await viewOf(browser, id, text))?.position != null, `“${text}” has its place`);
  return (await viewOf(browser, id, text))?.id ?? "";
}

async function reactions(browser: Browser, id: string, text: string): Promise<string[]> {
  const found = (await viewOf(browser, id, text))?.reactions ?? [];
  return found.map(({ emoji, names, mine }) => `${emoji} ${names.join("+")}${mine ? "!" : ""}`);
}

test("what people feel about a message is shown to both, and one takes back only one's own", async () => {
  const [alice, bob, id] = await two();
  await alice.send(id, "Lunch?");
  const his = await idOf(bob, id, "Lunch?");
  const hers = await idOf(alice, id, "Lunch?");

  await bob.engine.react(id, his, "👍");
  await alice.engine.react(id, hers, "👍");
  await until(async () => (await reactions(alice, id, "Lunch?")).join() === "👍 You+Bob!", "Alice sees both");
  await bob.engine.react(id, his, "🎉");
  await until(async () => (await reactions(alice, id, "Lunch?")).length === 2, "Bob feels otherwise now");
  await alice.engine.react(id, hers, null);
  await until(async () => (await reactions(bob, id, "Lunch?")).join() === "🎉 You!", "only his is left");

  await alice.reload();
  assert.deepEqual(await reactions(alice, id, "Lunch?"), ["🎉 Bob"]);
  assert.deepEqual(await bob.texts(id), ["Lunch?"]);
  assert.equal(bob.snapshot.conversations[0]?.unread, 1);
});

test("an answer shows what it answers, as long as that is there", async () => {
  const [alice, bob, id] = await two();
  await alice.send(id, "When do we meet?");
  await bob.engine.sendText(id, "At noon", crypto.randomUUID(), await idOf(bob, id, "When do we meet?"));
  await until(async () => (await viewOf(alice, id, "At noon")) !== undefined, "the answer is there");

  const shown = (await viewOf(alice, id, "At noon"))?.reply;
  assert.deepEqual([shown?.senderName, shown?.text], ["", "When do we meet?"]);
  assert.equal(shown?.id, await idOf(alice, id, "When do we meet?"));
  assert.equal((await viewOf(bob, id, "At noon"))?.reply?.senderName, "Alice");
  assert.equal((await viewOf(bob, id, "When do we meet?"))?.reply, null);

  await alice.engine.deleteMessage(id, await idOf(alice, id, "When do we meet?"));
  await until(async () => (await viewOf(bob, id, "At noon"))?.reply?.id === null, "it is not quoted any more");
  assert.equal((await viewOf(bob, id, "At noon"))?.reply?.text, "");
});

test("a message that is taken back is gone everywhere, from the list too", async () => {
  const [alice, bob, id] = await two();
  await alice.send(id, "stays");
  await alice.send(id, "a slip");
  await bob.reads(id, ["stays", "a slip"]);
  const hers = await idOf(alice, id, "a slip");
  assert.equal(bob.snapshot.conversations[0]?.unread, 2);

  await alice.engine.deleteMessage(id, hers);

  await until(async () => (await bob.texts(id)).length === 1, "Bob's is gone");
  for (const browser of [alice, bob]) {
    assert.deepEqual(await browser.texts(id), ["stays"]);
    assert.equal(browser.snapshot.conversations[0]?.lastMessage?.text, "stays");
    assert.deepEqual((await browser.engine.search("slip")).messages, []);
  }
  assert.equal(bob.snapshot.conversations[0]?.unread, 1);
  const notices = (await bob.messages(id)).filter(({ kind }) => kind === "notice");
  assert.deepEqual(notices.map(({ text }) => text), ["Alice deleted this message."]);
  await assert.rejects(alice.engine.react(id, hers, "👍"), (error: unknown) => isProblem(error, "not_found"));
});

test("what its writer changes is changed for all, in the list and in answers too, and says so", async () => {
  const relay = new Relay();
  const [alice, bob, id] = await two(relay);
  await choose(alice, id, 3600);
  await alice.send(id, "At one");
  await bob.engine.sendText(id, "Fine", crypto.randomUUID(), await idOf(bob, id, "At one"));
  await until(async () => (await alice.texts(id)).includes("Fine"), "Alice has the answer");
  await alice.send(id, "See you then");
  const hers = await idOf(alice, id, "At one");
  const last = await idOf(alice, id, "See you then");

  await alice.engine.editMessage(id, hers, "At noon");
  await alice.engine.editMessage(id, last, "See you there");

  await until(async () => (await bob.texts(id)).join() === "At noon,Fine,See you there", "Bob sees both");
  assert.equal((await viewOf(bob, id, "At noon"))?.isEdited, true);
  assert.equal((await viewOf(bob, id, "Fine"))?.isEdited, false);
  assert.equal((await viewOf(bob, id, "Fine"))?.reply?.text, "At noon");
  for (const { snapshot } of [alice, bob]) assert.equal(snapshot.conversations[0]?.lastMessage?.text, "See you there");
  assert.deepEqual((await bob.engine.search("one")).messages, []);
  const sent = [...relay.lifetimes.values()].filter((lifetime) => lifetime !== null);
  assert(sent.length === 5 && sent.every((lifetime) => lifetime > 3_500 && lifetime <= 3_600));
  bob.ahead = 3_600_001;
  assert.deepEqual(await bob.texts(id), []);
  for (const [text, code] of [["  ", "message_empty"], ["x".repeat(16_001), "message_too_long"]] as const) {
    await assert.rejects(alice.engine.editMessage(id, hers, text), (error: unknown) => isProblem(error, code));
  }
});

test("the list shows an edit only where it shows what was edited, whatever the server says of times", async () => {
  const relay = new Relay();
  relay.tamper = (entry) => ({ ...entry, created_at: "2026-01-01T00:00:00Z" });
  const [alice, bob, id] = await two(relay);
  await bob.send(id, "his");
  await alice.reads(id, ["his"]);
  await alice.send(id, "hers");
  await bob.reads(id, ["his", "hers"]);

  await bob.engine.editMessage(id, await idOf(bob, id, "his"), "not her words");
  await until(async () => (await alice.texts(id)).join() === "not her words,hers", "Alice sees the edit");

  const shown = alice.snapshot.conversations[0]?.lastMessage;
  assert.deepEqual([shown?.text, shown?.mine], ["hers", true]);
});

function choose({ engine }: Browser, id: string, lifetime: number): Promise<null> {
  return engine.setLifetime(id, lifetime, crypto.randomUUID());
}

test("nobody takes back what somebody else wrote, whatever their client sends", async () => {
  const [alice, bob, id] = await two();
  await alice.send(id, "hers");
  const his = await idOf(bob, id, "hers");
  const { context, conversation } = await opened(bob, id);
  const about = (await viewOf(bob, id, "hers"))?.position ?? 0;
  const deleted = (position: number, by: string) => amended(context, conversation, { type: "deleted", about: position }, by);
  const edited = (by: string) => amended(context, conversation, { type: "edited", about, text: "not hers" }, by);

  await assert.rejects(bob.engine.deleteMessage(id, his), (error: unknown) => isProblem(error, "not_found"));
  assert.equal(await deleted(about, bob.personId), null);
  assert.equal(await deleted(about + 1, alice.personId), null);
  assert.equal(await edited(bob.personId), null);
  assert.notEqual(await edited(alice.personId), null);
  assert.equal((await deleted(about, alice.personId))?.message.body.type, "deleted");
});

test("only what somebody said can be felt about", async () => {
  const [alice, bob, id] = await two();
  await alice.engine.setLifetime(id, 3600, crypto.randomUUID());
  await until(async () => (await bob.messages(id)).length === 1, "the notice is there");
  const { context, conversation } = await opened(bob, id);
  const about = (await bob.messages(id))[0]?.position ?? 0;

  assert.equal(await amended(context, conversation, { type: "reaction", about, emoji: "👍" }, bob.personId), null);
});

test("what is said about a message while the network is away comes later, in its order", async () => {
  const [alice, bob, id] = await two();
  await alice.send(id, "slow");
  const his = await idOf(bob, id, "slow");
  bob.server.goOffline();

  await bob.engine.react(id, his, "👀");
  await bob.engine.react(id, his, "✅");
  assert.deepEqual(await reactions(bob, id, "slow"), ["✅ You!"]);
  bob.server.goOnline();

  await until(async () => (await reactions(alice, id, "slow")).join() === "✅ Bob", "the last one counts");
});

test("what could not be said about a message is shown as not sent, and goes when it is sent again", async () => {
  const relay = new Relay();
  const [alice, bob, id] = await two(relay);
  await alice.send(id, "a slip");
  await bob.reads(id, ["a slip"]);
  const hers = await idOf(alice, id, "a slip");
  const unsent = async () => (await alice.messages(id)).find((message) => message.id === hers)?.unsent?.code;
  relay.refusesMessages = "message_rate_exceeded";

  await alice.engine.react(id, hers, "👍");
  await until(async () => (await unsent()) === "message_rate_exceeded", "the reaction is not sent");
  await alice.engine.editMessage(id, hers, "a misprint");
  await alice.engine.react(id, hers, "👎");
  await until(async () => (await failed(alice)) === 2, "the edit and the later reaction are not sent either");
  await alice.reload();
  assert.equal(await unsent(), "message_rate_exceeded");
  assert.deepEqual(await bob.texts(id), ["a slip"]);

  relay.refusesMessages = null;
  await alice.engine.retry(id, hers);

  await until(async () => (await reactions(bob, id, "a misprint")).join() === "👎 Alice", "Bob sees both");
  assert.equal(await unsent(), undefined);
  relay.refusesMessages = "message_rate_exceeded";
  await alice.engine.editMessage(id, hers, "a slip again");
  await until(async () => (await unsent()) !== undefined, "it is not sent");
  relay.refusesMessages = null;
  await alice.engine.deleteMessage(id, hers);
  await until(async () => (await bob.texts(id)).length === 0, "Bob's is gone");
  await until(() => alice.store.rows.get("outbox")?.size === 0, "nothing waits that has been overtaken");
  assert.equal(await unsent(), undefined);
});

/** How much of what this browser wanted to say was refused. */
async function failed({ store, server }: Browser): Promise<number> {
  const { records } = await unlock(store, server);
  return (await records.all("outbox")).filter(([, outgoing]) => outgoing.failed).length;
}

/** What is stored in a browser, beside its engine. */
async function opened({ store, server, personId }: Browser, id: string) {
  const { deviceId, records } = await unlock(store, server);
  const [, record] = (await records.all("conversations")).find(([key]) => key === id) ?? [];
  assert(record);
  const context = { records, me: { personId, deviceId } } as unknown as Context; // all that is asked of it here
  return { context, conversation: new Conversation(records, record) };
}
