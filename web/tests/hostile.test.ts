// A server that lies: what it changes is refused, shown, and changes nothing else.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { ProblemError } from "../src/api/http.ts";
import { fromBase64, toBase64, uuidToBytes } from "../src/bytes.ts";
import { encodeCredential, generateSigningKeys, issueCredential } from "../src/identity.ts";
import { type GroupSettings, MlsEngine } from "../src/mls-engine.ts";
import type { Entry } from "../src/worker/server.ts";
import { createDevice, unlock } from "../src/worker/registration.ts";
import { MemoryStore } from "./memory-store.ts";
import { Browser, direct, signUp, until } from "./people.ts";
import { Relay } from "./relay.ts";

async function settingsOf(relay: Relay): Promise<GroupSettings> {
  const { cipher_suite, external_sender } = await relay.settings();
  return { cipherSuite: cipher_suite, externalSender: fromBase64(external_sender) };
}

async function aliceAndBob(): Promise<{ relay: Relay; alice: Browser; bob: Browser; id: string }> {
  const relay = new Relay();
  const alice = await signUp(relay, "Alice");
  const bob = await signUp(relay, "Bob");
  const id = await direct(alice, bob);
  await alice.send(id, "before");
  await bob.reads(id, ["before"]);
  return { relay, alice, bob, id };
}

async function notices(browser: Browser, id: string): Promise<string[]> {
  return (await browser.messages(id)).filter(({ kind }) => kind === "notice").map(({ text }) => text);
}

/** Bob is given an entry that was changed; everything before and after it must still open. */
async function isRefused(change: (entry: Entry, relay: Relay) => Partial<Entry>): Promise<void> {
  const { relay, alice, bob, id } = await aliceAndBob();
  relay.tamper = (entry) => (entry.position === 3 ? { ...entry, ...change(entry, relay) } : entry);

  await alice.send(id, "changed on the way");
  await until(async () => (await notices(bob, id)).length === 1, "Bob is told");
  await alice.send(id, "after");

  await bob.reads(id, ["before", "after"]);
  assert.deepEqual(await notices(bob, id), ["A message could not be opened."]);
  assert.match(bob.snapshot.conversations[0]?.notice ?? "", /could not be opened/);
}

test("a message under another id is refused", () => isRefused(() => ({ message_id: crypto.randomUUID() })));

test("a message ascribed to another device is refused", () =>
  isRefused(() => ({ sender_device_id: crypto.randomUUID() })));

test("a changed ciphertext is refused", () =>
  isRefused(({ data }) => {
    const bytes = fromBase64(data);
    bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1;
    return { data: toBase64(bytes) };
  }));

test("bytes that are not a message at all are refused", () => isRefused(() => ({ data: "!" })));

test("a message that is played again is refused", () =>
  isRefused((entry, relay) => ({ data: relay.conversation(entry.conversation_id).log[1]?.data ?? "" })));

test("a notice that was read can be put away, and stays away", async () => {
  const { relay, alice, bob, id } = await aliceAndBob();
  relay.tamper = (entry) => (entry.position === 3 ? { ...entry, data: "!" } : entry);
  await alice.send(id, "changed on the way");
  await until(() => bob.snapshot.conversations[0]?.notice != null, "Bob is told");

  await bob.engine.dismissNotice(id);
  const [conversation] = bob.snapshot.conversations;
  await bob.reload();

  assert.equal(conversation?.notice, null);
  assert.equal(bob.snapshot.conversations[0]?.notice, null);
});

test("a message under this device's own name that it has not sent is shown as not readable", async () => {
  const { relay, alice, bob, id } = await aliceAndBob();
  relay.tamper = (entry) =>
    entry.position === 3 ? { ...entry, sender_device_id: bob.server.deviceId ?? "" } : entry;

  await alice.send(id, "relabelled on the way");
  await until(async () => (await notices(bob, id)).length === 1, "Bob is told");
  await alice.send(id, "after");

  await bob.reads(id, ["before", "after"]);
  assert.deepEqual(await notices(bob, id), ["A message could not be opened."]);
});

test("other bytes under the id of an own message are not taken for it", async () => {
  const { relay, alice, bob, id } = await aliceAndBob();
  relay.tamper = (entry) => {
    if (entry.position !== 3) return entry;
    return { ...entry, data: relay.conversation(id).log[1]?.data ?? "" };
  };

  await bob.send(id, "from Bob");
  await until(async () => (await notices(bob, id)).length === 1, "Bob is told");

  assert.deepEqual(await notices(bob, id), ["A message could not be opened."]);
  assert.deepEqual(await notices(alice, id), ["A message could not be opened."]);
});

test("an own message that the server repeats does not appear twice", async () => {
  const { relay, alice, bob, id } = await aliceAndBob();
  const [, first] = relay.conversation(id).log;
  assert(first);

  const again = relay.append(id, first.sender_device_id, "message", first.message_id, first.data);
  relay.tell(id, { type: "entry_appended", ...again });
  await bob.send(id, "after");

  await alice.reads(id, ["before", "after"]);
  await bob.reads(id, ["before", "after"]);
});

test("a commit that is changed on the way stops the conversation and says so", async () => {
  const { relay, alice, bob, id } = await aliceAndBob();
  const carol = await signUp(relay, "Carol");
  const group = await alice.engine.createGroup("", [bob.personId], crypto.randomUUID());
  await until(() => bob.knows(group.conversationId), "Bob is in");
  relay.tamper = (entry) =>
    entry.conversation_id === group.conversationId ? { ...entry, data: entry.data.replace(/.{8}$/, "AAAAAAA=") } : entry;

  await alice.engine.addPeople(group.conversationId, [carol.personId]).catch(() => undefined);
  const stateAtBob = () => bob.snapshot.conversations.find((one) => one.id === group.conversationId);
  await until(() => stateAtBob()?.state === "broken", "Bob's conversation has stopped");

  const stateAtAlice = alice.snapshot.conversations.find((one) => one.id === group.conversationId)?.state;
  assert.equal(stateAtAlice, "broken", "what she is shown is not the commit she sent");
  assert.match(stateAtBob()?.notice ?? "", /could not be verified/);
  await assert.rejects(bob.send(group.conversationId, "x"), { code: "conversation_broken" });
  await bob.send(id, "the other one goes on");
});

test("a key package of somebody else is not added", async () => {
  const relay = new Relay();
  const alice = await signUp(relay, "Alice");
  const bob = await signUp(relay, "Bob");
  const mallory = await signUp(relay, "Mallory");
  const claim = alice.server.claimKeyPackages.bind(alice.server);
  alice.server.claimKeyPackages = (_, suite) => claim(mallory.personId, suite);

  await assert.rejects(alice.engine.startDirect(bob.personId, crypto.randomUUID()), {
    code: "key_package_invalid",
  });
  assert.equal(relay.conversations.size, 0);
});

test("an account whose identity key has changed is not added", async () => {
  const { relay, alice, bob } = await aliceAndBob();
  const [identity, keys] = [await generateSigningKeys(), await generateSigningKeys()];
  const deviceId = crypto.randomUUID();
  const credential = await issueCredential(identity, bob.personId, deviceId, keys.publicKey);
  const mls = MlsEngine.load(keys, encodeCredential(credential), await settingsOf(relay));
  const { published } = await mls.makeKeyPackage(Math.floor(Date.now() / 1000), { lastResort: false });
  alice.server.claimKeyPackages = async () => [{ device_id: deviceId, key_package: toBase64(published) }];

  await assert.rejects(alice.engine.createGroup("", [bob.personId], crypto.randomUUID()), {
    code: "identity_key_changed",
  });
  assert.equal(relay.conversations.size, 1);
});

test("a pinned key is still known after a reload", async () => {
  const { relay, alice, bob } = await aliceAndBob();
  await alice.reload();
  const [identity, keys] = [await generateSigningKeys(), await generateSigningKeys()];
  const deviceId = crypto.randomUUID();
  const credential = await issueCredential(identity, bob.personId, deviceId, keys.publicKey);
  const mls = MlsEngine.load(keys, encodeCredential(credential), await settingsOf(relay));
  const { published } = await mls.makeKeyPackage(Math.floor(Date.now() / 1000), { lastResort: false });
  alice.server.claimKeyPackages = async () => [{ device_id: deviceId, key_package: toBase64(published) }];

  await assert.rejects(alice.engine.createGroup("", [bob.personId], crypto.randomUUID()), {
    code: "identity_key_changed",
  });
});

/** As if somebody else sat in Bob's place: an account that others know, under other keys. */
async function impostorOf(relay: Relay, bob: Browser): Promise<Browser> {
  const server = relay.serverFor(bob.personId);
  const store = new MemoryStore();
  const challenge = toBase64(new Uint8Array(32));
  await createDevice(store, server, { personId: bob.personId, name: "Test", challenge, beginsAnew: false, forgetOld: false });
  return new Browser(bob.personId, store, server).open();
}

test("an invitation by somebody whose identity key has changed is declined, shown and told", async () => {
  const { relay, alice, bob } = await aliceAndBob();
  await relay.revoke(bob.server.deviceId ?? "");
  const impostor = await impostorOf(relay, bob);

  const { conversationId: id } = await impostor.engine.createGroup("Trap", [alice.personId], crypto.randomUUID());
  const atAlice = () => alice.snapshot.conversations.find((conversation) => conversation.id === id);
  await until(() => atAlice() !== undefined, "Alice sees the invitation");
  await until(() => relay.conversation(id).info.members.length === 1, "Alice is not a member");

  assert.equal(atAlice()?.state, "left");
  assert.match(atAlice()?.notice ?? "", /security key of Bob is not the one/);
  assert.deepEqual(relay.devices.get(alice.server.deviceId ?? "")?.welcomes, []);
  await until(async () => (await notices(impostor, id)).includes("Alice left."), "the inviter is told");
  await assert.rejects(alice.send(id, "who are you?"), { code: "not_a_member" });
});

test("a changed key is taken once a person says that it is the other's, and then only this one", async () => {
  const { relay, alice, bob } = await aliceAndBob();
  await relay.revoke(bob.server.deviceId ?? "");
  const anew = await impostorOf(relay, bob);
  const make = () => alice.engine.createGroup("Again", [bob.personId], crypto.randomUUID());

  const refusal = await make().then(
    () => assert.fail("it was not refused"),
    (error: unknown) => error as ProblemError,
  );
  await alice.engine.acceptKey(bob.personId, String(refusal.facts["identity_key"]));
  const { conversationId: id } = await make();
  await until(() => anew.knows(id), "Bob is in");
  await anew.send(id, "it is me");
  await alice.reads(id, ["it is me"]);
  await relay.revoke(anew.server.deviceId ?? "");
  await impostorOf(relay, bob);

  assert.deepEqual([refusal.code, refusal.facts["person_id"]], ["identity_key_changed", bob.personId]);
  await assert.rejects(make(), { code: "identity_key_changed" });
});

test("a direct invitation under a changed key waits until a person trusts the key", async () => {
  const relay = new Relay();
  const [alice, bob] = [await signUp(relay, "Alice"), await signUp(relay, "Bob")];
  const { conversationId: group } = await alice.engine.createGroup("", [bob.personId], crypto.randomUUID());
  await until(() => bob.knows(group), "they know each other");
  await relay.revoke(bob.server.deviceId ?? "");
  const anew = await impostorOf(relay, bob);
  const { conversationId: id } = await anew.engine.startDirect(alice.personId, crypto.randomUUID());
  await anew.send(id, "it is me");
  const atAlice = () => alice.snapshot.conversations.find((conversation) => conversation.id === id);
  await until(() => atAlice()?.state === "left", "Alice sees the invitation");

  const refusal = await alice.engine.startDirect(bob.personId, crypto.randomUUID()).then(
    () => assert.fail("it was not refused"),
    (error: unknown) => error as ProblemError,
  );
  await alice.engine.acceptKey(bob.personId, String(refusal.facts["identity_key"]));

  await alice.reads(id, ["it is me"]);
  await alice.send(id, "welcome back");
  await anew.reads(id, ["it is me", "welcome back"]);
});

test("a welcome that cannot be opened is not kept for ever", async () => {
  const relay = new Relay();
  const [alice, bob] = [await signUp(relay, "Alice"), await signUp(relay, "Bob")];
  const device = relay.devices.get(bob.server.deviceId ?? "");
  assert(device);
  bob.server.tree = async () => toBase64(new Uint8Array(40));

  await alice.engine.createGroup("", [bob.personId], crypto.randomUUID());

  await until(() => device.welcomes.length === 0 && device.keyPackages.length < 50, "the welcome is gone");
  assert.equal(bob.snapshot.conversations.length, 0);
  assert.equal(bob.snapshot.failure, null);
});

test("what one operation sees of a key does not spoil another that runs beside it", async () => {
  const { relay, alice, bob } = await aliceAndBob();
  const carol = await signUp(relay, "Carol");
  const claim = alice.server.claimKeyPackages.bind(alice.server);
  const impostor = await impostorOf(relay, bob);
  const forged = relay.devices.get(impostor.server.deviceId ?? "")?.keyPackages[0] ?? "";
  alice.server.claimKeyPackages = async (personId, suite) => {
    if (personId !== bob.personId) return claim(personId, suite);
    return [{ device_id: impostor.server.deviceId ?? "", key_package: forged }];
  };

  const [withBob, withCarol] = await Promise.allSettled([
    alice.engine.createGroup("With Bob", [bob.personId], crypto.randomUUID()),
    alice.engine.createGroup("With Carol", [carol.personId], crypto.randomUUID()),
  ]);

  assert(withBob.status === "rejected" && withCarol.status === "fulfilled");
  assert.equal((withBob.reason as { code: string }).code, "identity_key_changed");
  await until(() => carol.knows(withCarol.value.conversationId), "Carol is in");
});

test("the name of a conversation of two is the other's, whatever they call it", async () => {
  const { relay, alice, bob, id } = await aliceAndBob();
  const messageId = crypto.randomUUID();
  const { records } = await unlock(alice.store, alice.server);
  const content = { type: "conversation_named", name: "Your bank" } as const;
  const named = { messageId, conversationId: id, sequence: 1, content, ciphertext: null, failed: false, position: null };
  await records.unit().put("outbox", messageId, named).commit();

  await alice.send(id, "after");
  await until(() => relay.conversation(id).log.some((entry) => entry.message_id === messageId), "it was sent");
  await bob.reads(id, ["before", "after"]);

  assert.equal(bob.snapshot.conversations[0]?.title, "Alice");
});

/** A Welcome into a new group, from a device whose credential may be forged. */
async function welcomed(change: (signature: Uint8Array) => Uint8Array): Promise<boolean> {
  const relay = new Relay();
  const alice = await signUp(relay, "Alice");
  const bob = await signUp(relay, "Bob");
  const device = relay.devices.get(bob.server.deviceId ?? "");
  assert(device);
  const id = crypto.randomUUID();
  const [identity, keys] = [await generateSigningKeys(), await generateSigningKeys()];
  const issued = await issueCredential(identity, crypto.randomUUID(), crypto.randomUUID(), keys.publicKey);
  const credential = encodeCredential({ ...issued, signature: new Uint8Array(change(issued.signature)) });
  const mls = MlsEngine.load(keys, credential, await settingsOf(relay));
  const rules = { judge: async () => undefined, now: Math.floor(Date.now() / 1000) };
  const { group } = await mls.createGroup(uuidToBytes(id), rules);
  const add = [fromBase64(device.keyPackages.shift() ?? "")];
  const { welcome, next } = await mls.commit(group, { add, remove: [] }, new Uint8Array(), rules);
  assert(welcome);
  const wanted = { id, kind: "group" as const, cipher_suite: relay.suite, person_id: null };
  const conversation = relay.found(wanted, next.state.public, { members: [], personIds: new Set() });

  relay.welcome(conversation, device, 1, toBase64(welcome));
  const real = await direct(alice, bob);
  await alice.send(real, "the real one");
  await bob.reads(real, ["the real one"]);
  return bob.knows(id);
}

test("a welcome lets this device in only when every credential in it is true", async () => {
  assert.equal(await welcomed((signature) => signature), true);
  assert.equal(await welcomed((signature) => signature.map((byte) => byte ^ 1)), false);
});

test("text that is empty or too long is refused before it is kept", async () => {
  const { alice, id } = await aliceAndBob();

  await assert.rejects(alice.send(id, " \n"), { code: "message_empty" });
  await assert.rejects(alice.send(id, "x".repeat(16_001)), { code: "message_too_long" });
  await assert.rejects(alice.send(id, "\u0001".repeat(15_000)), { code: "message_too_long" });
  await alice.send(id, "🦀".repeat(16_000));

  assert.equal((await alice.texts(id)).length, 2);
});

test("a message that was erased before it came says so, and those after it are read", async () => {
  const { relay, alice, bob, id } = await aliceAndBob();
  relay.tamper = (entry) => (entry.position === 3 ? { ...entry, data: "" } : entry);

  await alice.send(id, "gone before Bob fetched it");
  await until(async () => (await notices(bob, id)).length === 1, "Bob is told");
  await alice.send(id, "after");

  await bob.reads(id, ["before", "after"]);
  assert.deepEqual(await notices(bob, id), ["A message has expired before it came to this device."]);
  assert.equal(bob.snapshot.conversations[0]?.notice ?? null, null);
  assert.equal((await alice.messages(id)).filter(({ kind }) => kind === "notice").length, 0);
});
