// Who goes: removed by others, by their own wish, or with a device that was revoked.

import assert from "node:assert/strict";
import { test } from "node:test";
import { isProblem } from "../src/api/http.ts";
import { type Browser, direct, everyone, signUp, until } from "./people.ts";
import { Relay } from "./relay.ts";

/** Alice, Bob and Carol in a group that Alice has made. */
async function three() {
  const relay = new Relay();
  const [alice, bob, carol] = [await signUp(relay, "Alice"), await signUp(relay, "Bob"), await signUp(relay, "Carol")];
  const others = [bob.personId, carol.personId];
  const { conversationId: id } = await alice.engine.createGroup("Boats", others, crypto.randomUUID());
  await until(() => bob.knows(id) && carol.knows(id), "both are in");
  await alice.send(id, "hello");
  for (const browser of [bob, carol]) await browser.reads(id, ["hello"]);
  return { relay, alice, bob, carol, id };
}

function conversationAt(browser: Browser, id: string) {
  return browser.snapshot.conversations.find((conversation) => conversation.id === id);
}

async function lastNotice(browser: Browser, id: string): Promise<string | undefined> {
  return (await browser.messages(id)).filter(({ kind }) => kind === "notice").at(-1)?.text;
}

test("who is removed keeps what they read, reads nothing new and is told by whom", async () => {
  const { relay, alice, bob, carol, id } = await three();

  await alice.engine.removePerson(id, carol.personId);
  await alice.send(id, "without Carol");
  await bob.reads(id, ["hello", "without Carol"]);
  await until(() => conversationAt(carol, id)?.state === "left", "Carol is out");

  assert.deepEqual(await carol.texts(id), ["hello"]);
  assert.match(conversationAt(carol, id)?.notice ?? "", /^Alice removed you/);
  assert.equal(await lastNotice(carol, id), "Alice removed you.");
  assert.equal(await lastNotice(bob, id), "Alice removed Carol.");
  assert.equal(await lastNotice(alice, id), "You removed Carol.");
  assert.deepEqual(conversationAt(alice, id)?.personIds, [bob.personId]);
  await assert.rejects(carol.send(id, "I am still here"), { code: "not_a_member" });
  await carol.engine.dismissNotice(id);
  assert.match(conversationAt(carol, id)?.notice ?? "", /^Alice removed you/, "it says why nothing can be written");
  assert.equal(relay.conversation(id).info.epoch, 2);
});

test("what had reached somebody stays delivered when they are gone", async () => {
  const relay = new Relay();
  const [alice, bob] = [await signUp(relay, "Alice"), await signUp(relay, "Bob")];
  const { conversationId: id } = await alice.engine.createGroup("", [bob.personId], crypto.randomUUID());
  const mark = async () => (await alice.messages(id)).find(({ kind }) => kind === "text")?.delivery;
  await alice.send(id, "hello");
  await until(async () => (await mark()) === "delivered", "it has reached Bob");

  await alice.engine.removePerson(id, bob.personId);
  await alice.reload();
  await until(() => conversationAt(alice, id)?.personIds.length === 0, "Alice is alone");

  assert.equal(await mark(), "delivered");
});

test("who was removed while offline is told so when they come back", async () => {
  const { relay, alice, carol, id } = await three();
  carol.server.goOffline();
  await until(() => carol.snapshot.connection !== "online", "Carol is offline");
  await carol.send(id, "never heard");

  await alice.engine.removePerson(id, carol.personId);
  await until(() => relay.conversation(id).info.members.length === 2, "she is out");
  carol.server.goOnline();
  await until(() => conversationAt(carol, id)?.state === "left", "Carol knows");

  const find = async () => (await carol.messages(id)).find(({ text }) => text === "never heard");
  await until(async () => (await find())?.delivery === "failed", "it is shown as not sent");
  const unheard = await find();
  assert.equal(unheard?.problem?.code, "not_a_member");
  const { text } = await carol.engine.discard(id, unheard?.id ?? "");
  assert.equal(text, "never heard");
});

test("who was removed can be added again and goes on with the old history above", async () => {
  const { alice, bob, carol, id } = await three();
  await alice.engine.removePerson(id, carol.personId);
  await until(() => conversationAt(carol, id)?.state === "left", "Carol is out");
  await alice.send(id, "meanwhile");

  await bob.reads(id, ["hello", "meanwhile"]);
  await bob.engine.addPeople(id, [carol.personId]);
  await until(() => carol.knows(id), "Carol is in again");
  await carol.send(id, "back");

  await alice.reads(id, ["hello", "meanwhile", "back"]);
  await carol.reads(id, ["hello", "back"]);
  assert.equal(conversationAt(carol, id)?.notice, null);
});

test("who was removed and added again while offline goes on where they were added", async () => {
  const { alice, bob, carol, id } = await three();
  carol.server.goOffline();
  await until(() => carol.snapshot.connection !== "online", "Carol is offline");

  await alice.engine.removePerson(id, carol.personId);
  await alice.send(id, "not for Carol");
  await bob.reads(id, ["hello", "not for Carol"]);
  await alice.engine.addPeople(id, [carol.personId]);
  await alice.send(id, "for Carol too");
  await bob.reads(id, ["hello", "not for Carol", "for Carol too"]);
  carol.server.goOnline();

  await carol.reads(id, ["hello", "for Carol too"]);
  await carol.send(id, "thank you");
  await alice.reads(id, ["hello", "not for Carol", "for Carol too", "thank you"]);
});

test("who leaves is out as soon as another device commits it", async () => {
  const { alice, bob, carol, id } = await three();

  await carol.engine.leaveConversation(id);
  await until(() => conversationAt(carol, id)?.state === "left", "Carol is out");
  await alice.send(id, "goodbye Carol");
  await bob.reads(id, ["hello", "goodbye Carol"]);

  assert.equal(await lastNotice(bob, id), "Carol left.");
  assert.equal(await lastNotice(carol, id), "You left.");
  assert.match(conversationAt(carol, id)?.notice ?? "", /^You left/);
  assert.deepEqual(await carol.texts(id), ["hello"]);
});

test("who leaves while nobody is there waits, writes nothing more, and is out when somebody comes", async () => {
  const { relay, alice, bob, carol, id } = await three();
  for (const browser of [alice, bob]) browser.server.goOffline();

  await carol.engine.leaveConversation(id);
  assert.equal(conversationAt(carol, id)?.state, "leaving");
  await assert.rejects(carol.send(id, "one more thing"), { code: "leaving" });
  await carol.reload();
  assert.equal(conversationAt(carol, id)?.state, "leaving");
  bob.server.goOnline();
  await until(() => conversationAt(carol, id)?.state === "left", "Carol is out");

  assert.equal(relay.conversation(id).info.members.length, 2);
});

test("the last one leaves without anybody to say goodbye to", async () => {
  const relay = new Relay();
  const alice = await signUp(relay, "Alice");
  const { conversationId: id } = await alice.engine.createGroup("Alone", [], crypto.randomUUID());

  await alice.engine.leaveConversation(id);

  assert.equal(conversationAt(alice, id)?.state, "left");
  await assert.rejects(alice.send(id, "anybody?"), { code: "not_a_member" });
});

test("a revoked device is removed before anything else is said, and nothing is lost", async () => {
  const { relay, alice, bob, carol, id } = await three();
  let arrive: () => void = () => undefined;
  alice.server.way = new Promise((resolve) => {
    arrive = resolve;
  });
  bob.server.goOffline();

  await alice.send(id, "written before the revocation arrived");
  await relay.revoke(carol.server.deviceId ?? "");
  arrive();
  bob.server.goOnline();
  await everyone([alice, bob]).reads(id, ["hello", "written before the revocation arrived"]);

  const kinds = relay.conversation(id).log.map(({ kind }) => kind);
  assert.deepEqual(kinds.slice(-3), ["proposal", "commit", "message"]);
  assert.match((await lastNotice(bob, id)) ?? "", /^Carol can no longer read .* revoked\.$/);
  assert.deepEqual(conversationAt(alice, id)?.personIds, [bob.personId]);
  await until(() => carol.snapshot.failure?.code === "device_revoked", "Carol is told");
});

test("a device that is revoked in a direct conversation is removed there too", async () => {
  const relay = new Relay();
  const [alice, bob] = [await signUp(relay, "Alice"), await signUp(relay, "Bob")];
  const id = await direct(alice, bob);

  await relay.revoke(bob.server.deviceId ?? "");
  await until(() => relay.conversation(id).info.members.length === 1, "the device is out");
  await until(async () => /revoked/.test((await lastNotice(alice, id)) ?? ""), "Alice is told");

  assert.equal(conversationAt(alice, id)?.title, "Bob");
  await assert.rejects(alice.send(id, "anybody?"), { code: "no_key_package" });
  assert.equal(relay.conversation(id).log.some(({ kind }) => kind === "message"), false, "nobody could read it");
});

test("two removals at once end in one group in which all who stay can talk", async () => {
  const relay = new Relay();
  const names = ["Alice", "Bob", "Carol", "Dave"];
  const [alice, bob, carol, dave] = await Promise.all(names.map((name) => signUp(relay, name)));
  assert(alice && bob && carol && dave);
  const others = [bob, carol, dave].map(({ personId }) => personId);
  const { conversationId: id } = await alice.engine.createGroup("Race", others, crypto.randomUUID());
  await until(() => [bob, carol, dave].every((browser) => browser.knows(id)), "all are in");

  await Promise.all([
    alice.engine.removePerson(id, carol.personId),
    bob.engine.removePerson(id, dave.personId),
    alice.send(id, "who is left?"),
  ]);
  await bob.send(id, "the two of us");

  await until(async () => (await alice.texts(id)).length === 2 && (await bob.texts(id)).length === 2, "both read");
  await until(() => conversationAt(carol, id)?.state === "left" && conversationAt(dave, id)?.state === "left", "out");
  assert.equal(relay.conversation(id).info.members.length, 2);
});

test("an organisation with the other suite talks and removes in the same way", async () => {
  const relay = new Relay();
  relay.suite = 1;
  const [alice, bob] = [await signUp(relay, "Alice"), await signUp(relay, "Bob")];
  const { conversationId: id } = await alice.engine.createGroup("", [bob.personId], crypto.randomUUID());
  await until(() => bob.knows(id), "Bob is in");
  await bob.send(id, "classical");
  await alice.reads(id, ["classical"]);

  await alice.engine.removePerson(id, bob.personId);
  await until(() => conversationAt(bob, id)?.state === "left", "Bob is out");

  assert.equal(relay.conversation(id).info.cipher_suite, 1);
});

test("the tree is written once per epoch and not with every message", async () => {
  const relay = new Relay();
  const [alice, bob] = [await signUp(relay, "Alice"), await signUp(relay, "Bob")];
  const id = await direct(alice, bob);
  const written: string[] = [];
  const apply = bob.store.apply.bind(bob.store);
  bob.store.apply = (changes) => {
    written.push(...changes.flatMap((change) => ("put" in change ? [change.store] : [])));
    return apply(changes);
  };

  await alice.send(id, "one");
  await bob.reads(id, ["one"]);
  await bob.send(id, "two");
  await alice.reads(id, ["one", "two"]);

  assert(written.includes("groups"));
  assert(!written.includes("trees"));
});

test("a group is renamed for all, a conversation of two is not", async () => {
  const relay = new Relay();
  const [alice, bob] = await Promise.all(["Alice", "Bob"].map((name) => signUp(relay, name)));
  assert(alice && bob);
  const { conversationId: id } = await alice.engine.createGroup("Before", [bob.personId], crypto.randomUUID());
  await until(() => bob.knows(id) && titleOf(bob, id) === "Before", "Bob knows the first name");

  await bob.engine.rename(id, "After", crypto.randomUUID());
  await bob.engine.rename(id, "After", crypto.randomUUID());
  await until(() => titleOf(alice, id) === "After", "Alice knows the second");

  const said = (await alice.messages(id)).map(({ text }) => text);
  assert.deepEqual(said, ["You added Bob.", "Bob named the conversation “After”."]);
  const two = await direct(alice, bob);
  await alice.engine.rename(two, "Not Bob", crypto.randomUUID());
  assert.equal(titleOf(alice, two), "Bob");
  for (const [name, code] of [[" ", "message_empty"], ["x".repeat(101), "message_too_long"]] as const) {
    await assert.rejects(alice.engine.rename(id, name, crypto.randomUUID()), (error: unknown) => isProblem(error, code));
  }
});

function titleOf({ snapshot }: Browser, id: string): string | undefined {
  return snapshot.conversations.find((conversation) => conversation.id === id)?.title;
}

test("a name that was refused and discarded is the old one again", async () => {
  const { relay, alice, bob, id } = await three();
  const before = conversationAt(alice, id)?.title;
  relay.refusesMessages = "message_invalid";
  const call = crypto.randomUUID();
  await alice.engine.rename(id, "Refused", call);
  await until(async () => (await alice.messages(id)).at(-1)?.delivery === "failed", "it is refused");
  assert.equal(conversationAt(alice, id)?.title, "Refused");

  await alice.engine.discard(id, call);

  assert.equal(conversationAt(alice, id)?.title, before);
  relay.refusesMessages = null;
  await alice.engine.rename(id, "Refused", crypto.randomUUID());
  await until(() => conversationAt(bob, id)?.title === "Refused", "Bob hears of it this time");
});
