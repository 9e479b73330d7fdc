// A change that a member made on purpose so that nobody can apply it: what the others meet, and the
// way back in.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ProblemError } from "../src/api/http.ts";
import { fromBase64, toBase64 } from "../src/bytes.ts";
import { asSignaturePrivateKey } from "../src/mls/crypto/secrets.ts";
import { OwnKeyPackage } from "../src/mls/group/key_packages.ts";
import { joinFromOutside } from "../src/mls/group/outside.ts";
import { signGroupInfo } from "../src/mls/messages/group_info.ts";
import { asLeafIndex } from "../src/mls/messages/indexes.ts";
import { MLSMessage, messageOf } from "../src/mls/messages/mls_message.ts";
import { RatchetTreeExtension } from "../src/mls/messages/ratchet_tree.ts";
import { policyOf } from "../src/mls/public_group/policy.ts";
import { MlsEngine } from "../src/mls-engine.ts";
import { Group, type Member } from "../src/mls-group.ts";
import { unlock } from "../src/worker/registration.ts";
import { Browser, everyone, signUp, until } from "./people.ts";
import { Relay } from "./relay.ts";

interface Scene {
  relay: Relay;
  mallory: Browser;
  alice: Browser;
  bob: Browser;
  id: string;
}

async function scene(): Promise<Scene> {
  const relay = new Relay();
  const mallory = await signUp(relay, "Mallory");
  const alice = await signUp(relay, "Alice");
  const bob = await signUp(relay, "Bob");
  const { conversationId: id } = await mallory.engine.createGroup("", [alice.personId, bob.personId], crypto.randomUUID());
  await until(() => alice.knows(id) && bob.knows(id), "both are in");
  await alice.send(id, "before");
  await everyone([mallory, alice, bob]).reads(id, ["before"]);
  return { relay, mallory, alice, bob, id };
}

/** Mallory's commit with a confirmation tag that fits nothing: the server has to take it. */
async function wedge({ relay, mallory, id }: Scene): Promise<void> {
  const { identity, records } = await unlock(mallory.store, mallory.server);
  const [secrets, beside] = [await records.get("groups", id), await records.get("trees", id)];
  assert(secrets && beside);
  const group = Group.restore({ secret: fromBase64(secrets.secret), tree: fromBase64(beside.tree) });
  const privateKey = fromBase64(identity.signaturePrivateKey);
  const keys = { publicKey: fromBase64(identity.signaturePublicKey), privateKey };
  const settings = await relay.settings();
  const mls = MlsEngine.load(keys, fromBase64(identity.credential), {
    cipherSuite: settings.cipher_suite,
    externalSender: fromBase64(settings.external_sender),
  });
  const rules = { judge: async () => undefined, now: Math.floor(Date.now() / 1000) };
  const made = await mls.commit(group, { add: [], remove: [] }, new Uint8Array(0), rules);
  const message = MLSMessage.decode(made.commit).body;
  const info = MLSMessage.decode(made.groupInfo).body;
  assert(message.kind === "PublicMessage" && info.kind === "GroupInfo");
  const confirmationTag = new Uint8Array(info.confirmationTag.length);
  const forged = { ...message, auth: { ...message.auth, confirmationTag } };
  const { groupContext, extensions, signer } = info;
  const said = { groupContext, extensions, signer, confirmationTag };
  const signed = await signGroupInfo(group.state.suite, asSignaturePrivateKey(privateKey), said);
  await relay.submitCommit(mallory.server.deviceId ?? "", id, crypto.randomUUID(), {
    commit: toBase64(MLSMessage.encode(messageOf(forged))),
    group_info: toBase64(MLSMessage.encode(messageOf(signed))),
    welcome: null,
  });
}

function stateAt(browser: Browser, id: string): string | undefined {
  return browser.snapshot.conversations.find((conversation) => conversation.id === id)?.state;
}

async function isStuck(browser: Browser, id: string): Promise<void> {
  await until(() => stateAt(browser, id) === "broken", "it has stopped");
}

async function notices(browser: Browser, id: string): Promise<string[]> {
  return (await browser.messages(id)).filter(({ kind }) => kind === "notice").map(({ text }) => text);
}

test("a change that cannot be applied stops the conversation, says whose it was and keeps what was read", async () => {
  const stage = await scene();
  const { alice, id } = stage;

  await wedge(stage);
  await isStuck(alice, id);

  assert.deepEqual(await alice.texts(id), ["before"]);
  assert((await notices(alice, id)).includes("Mallory made a change that could not be applied on this device."));
  await assert.rejects(alice.send(id, "x"), { code: "conversation_broken" });
  await alice.reload();
  assert.equal(stateAt(alice, id), "broken");
});

test("the others hear whose change could not be applied and where, at once or when they come back", async () => {
  const stage = await scene();
  const { relay, mallory, alice, bob, id } = stage;
  const carol = await signUp(relay, "Carol");
  await bob.close();
  await mallory.engine.addPeople(id, [carol.personId]);
  await until(async () => (await notices(alice, id)).includes("Mallory added Carol."), "Alice has applied it");
  await alice.close();
  const entries = bob.server.entries.bind(bob.server);
  bob.server.entries = async (...asked) => {
    const page = await entries(...asked);
    return { ...page, entries: page.entries.map((entry) => ({ ...entry, data: entry.data.replace(/.{8}$/, "AAAAAAA=") })) };
  };

  await bob.open();
  await isStuck(bob, id);
  const told = "could not be applied on a device of Bob.";
  await until(async () => (await notices(mallory, id)).includes(`Your change ${told}`), "Mallory is told");
  await alice.open();
  await until(async () => (await notices(alice, id)).includes(`A change by Mallory ${told}`), "Alice is told");
  await mallory.reload();
  await alice.reload();

  assert.equal((await notices(mallory, id)).filter((text) => text.endsWith(told)).length, 1);
  assert.deepEqual((await notices(alice, id)).slice(-2), ["Mallory added Carol.", `A change by Mallory ${told}`]);
  assert.match(relay.conversation(id).info.failures.map(({ code }) => code).join(), /^[a-z_]+$/);
});

test("what the server did not hear of a failure it hears with the next connection", async () => {
  const stage = await scene();
  const { relay, alice, id } = stage;
  const report = alice.server.reportFailure.bind(alice.server);
  alice.server.reportFailure = async () => Promise.reject(new ProblemError("offline", "not now"));
  await wedge(stage);
  await isStuck(alice, id);
  const byAlice = () => relay.conversation(id).info.failures.filter(({ device_id }) => device_id === alice.server.deviceId);
  assert.equal(byAlice().length, 0);

  alice.server.reportFailure = report;
  await alice.reload();
  await until(() => byAlice().length === 1, "it is told");
  await alice.reload();

  assert.deepEqual(byAlice().map(({ position }) => position), [3]);
});

test("nobody rejoins by itself, and who has rejoined talks with the others who have", async () => {
  const stage = await scene();
  const { relay, alice, bob, id } = stage;
  await wedge(stage);
  await isStuck(alice, id);
  await isStuck(bob, id);
  await alice.reload();
  assert.equal(relay.conversation(id).info.epoch, 2, "a reload changed nothing");

  await alice.engine.rejoin(id);
  await bob.engine.rejoin(id);
  await until(async () => (await notices(alice, id)).includes("Bob rejoined."), "Alice is told");
  await alice.send(id, "from Alice");
  await bob.reads(id, ["before", "from Alice"]);
  await bob.send(id, "from Bob");

  await alice.reads(id, ["before", "from Alice", "from Bob"]);
  assert((await notices(bob, id)).some((text) => /^You rejoined\. What was sent before this/.test(text)));
  assert.equal(alice.snapshot.conversations.find((one) => one.id === id)?.notice, null);
});

test("what was on its way when the conversation stopped goes out after rejoining", async () => {
  const stage = await scene();
  const { relay, alice, bob, id } = stage;
  alice.server.isOnline = false;
  await alice.send(id, "written meanwhile");
  await wedge(stage);
  alice.server.isOnline = true;
  await alice.reload();
  await isStuck(alice, id);
  await isStuck(bob, id);

  await bob.engine.rejoin(id);
  await alice.engine.rejoin(id);

  await everyone([alice, bob]).reads(id, ["before", "written meanwhile"]);
  assert.equal(relay.conversation(id).log.filter(({ kind }) => kind === "message").length, 2);
});

test("who rejoined while the answer was lost is in once, by the same commit", async () => {
  const stage = await scene();
  const { relay, alice, id } = stage;
  await wedge(stage);
  await isStuck(alice, id);

  relay.loseNextAnswer = true;
  await assert.rejects(alice.engine.rejoin(id), { code: "offline" });
  await alice.reload();
  await alice.engine.rejoin(id);

  assert.equal(stateAt(alice, id), "open");
  assert.equal(relay.conversation(id).log.filter(({ kind }) => kind === "commit").length, 3);
});

test("two tabs that ask at the same time rejoin once", async () => {
  const stage = await scene();
  const { relay, alice, bob, id } = stage;
  await wedge(stage);
  await isStuck(alice, id);
  await isStuck(bob, id);

  await Promise.all([alice.engine.rejoin(id), alice.engine.rejoin(id)]);
  await bob.engine.rejoin(id);
  await alice.send(id, "in once");

  await bob.reads(id, ["before", "in once"]);
  assert.equal(relay.conversation(id).log.filter(({ kind }) => kind === "commit").length, 4);
});

test("a group that the server sets back is not entered", async () => {
  const stage = await scene();
  const { relay, alice, id } = stage;
  const earlier = await alice.server.group(id);
  await wedge(stage);
  await isStuck(alice, id);
  alice.server.group = async () => earlier;

  await assert.rejects(alice.engine.rejoin(id), { code: "rejoin_refused" });

  assert.equal(stateAt(alice, id), "broken");
  assert.equal(relay.conversation(id).info.epoch, 2);
});

test("another conversation's group is not entered", async () => {
  const stage = await scene();
  const { mallory, alice, bob, id } = stage;
  const other = await alice.engine.createGroup("", [bob.personId], crypto.randomUUID());
  await alice.engine.addPeople(other.conversationId, [mallory.personId]); // at a later epoch than this one
  await wedge(stage);
  await isStuck(alice, id);
  const group = alice.server.group.bind(alice.server);
  alice.server.group = () => group(other.conversationId);

  await assert.rejects(alice.engine.rejoin(id), { code: "rejoin_refused" });
});

test("who was removed meanwhile does not come back by itself", async () => {
  const stage = await scene();
  const { relay, alice, bob, id } = stage;
  await wedge(stage);
  await isStuck(alice, id);
  await isStuck(bob, id);

  await bob.engine.rejoin(id);
  await bob.engine.removePerson(id, alice.personId);

  await assert.rejects(alice.engine.rejoin(id), { code: "not_a_member" });
  assert(!relay.conversation(id).info.members.some(({ person_id }) => person_id === alice.personId));
});

/** What a server would show as coming from outside that lets a stranger in, in the place of a member or beside them. */
async function letIn(stage: Scene, replaced: Browser | null): Promise<void> {
  const { relay, alice, id } = stage;
  const eve = await signUp(relay, "Eve");
  const { identity } = await unlock(eve.store, eve.server);
  const keys = {
    publicKey: fromBase64(identity.signaturePublicKey),
    privateKey: fromBase64(identity.signaturePrivateKey),
  };
  const { cipher_suite, external_sender } = await relay.settings();
  const settings = { cipherSuite: cipher_suite, externalSender: fromBase64(external_sender) };
  const now = Math.floor(Date.now() / 1000);
  const mls = MlsEngine.load(keys, fromBase64(identity.credential), settings);
  const { secret } = await mls.makeKeyPackage(now, { lastResort: false });
  const there = await alice.server.group(id);
  const info = MLSMessage.decode(fromBase64(there.group_info)).body;
  assert(info.kind === "GroupInfo");
  const tree = RatchetTreeExtension.decode(fromBase64(there.ratchet_tree));
  const policy = policyOf(() => undefined, { now, clientOf: () => crypto.randomUUID() });
  const leaf = (await members(alice, id)).find(({ deviceId }) => deviceId === replaced?.server.deviceId)?.leafIndex;
  const replaces = leaf === undefined ? null : asLeafIndex(leaf);
  const { message } = await joinFromOutside(info, OwnKeyPackage.decode(secret), policy, { tree, replaces });
  const data = toBase64(MLSMessage.encode(message));
  const { deviceId } = eve.server;
  relay.tell(id, { type: "entry_appended", ...relay.append(id, deviceId, "commit", crypto.randomUUID(), data) });
}

async function members(browser: Browser, id: string): Promise<Member[]> {
  const { records } = await unlock(browser.store, browser.server);
  const [secrets, beside] = [await records.get("groups", id), await records.get("trees", id)];
  assert(secrets && beside);
  return Group.restore({ secret: fromBase64(secrets.secret), tree: fromBase64(beside.tree) }).members;
}

for (const [how, place] of [
  ["beside the members", () => null],
  ["in the place of a member", ({ bob }: Scene) => bob],
] as const) {
  test(`a stranger whom the server lets in from outside, ${how}, is not taken in`, async () => {
    const stage = await scene();
    const { alice, bob, id } = stage;
    const before = await members(alice, id);

    await letIn(stage, place(stage));
    await isStuck(alice, id);
    await isStuck(bob, id);

    assert.deepEqual(await members(alice, id), before);
  });
}

test("what had arrived before stays delivered, and what the device lost is not", async () => {
  const stage = await scene();
  const { mallory, alice, bob, id } = stage;
  const stateOf = async (text: string) => (await alice.messages(id)).find((one) => one.text === text)?.delivery;
  await until(async () => (await stateOf("before")) === "delivered", "all have it");
  await wedge(stage);
  await isStuck(bob, id);
  await isStuck(alice, id);

  await alice.engine.rejoin(id);
  await alice.engine.removePerson(id, mallory.personId);
  await alice.send(id, "in between");
  await bob.engine.rejoin(id);
  await until(async () => (await notices(alice, id)).includes("Bob rejoined."), "Alice is told");
  await alice.reload();

  assert.deepEqual([await stateOf("before"), await stateOf("in between")], ["delivered", "sent"]);
});
