// Stories: join, leave, two commits at once, a lost message, a group that goes on as another.

import assert from "node:assert/strict";
import { test } from "node:test";
import { utf8 } from "../../src/bytes.ts";
import "../../src/mls/crypto/more_suites.ts";
import { commit } from "../../src/mls/group/commit.ts";
import { createGroup } from "../../src/mls/group/create.ts";
import { join } from "../../src/mls/group/join.ts";
import { PRIVATE, PUBLIC, encrypt, propose, proposeUpdate } from "../../src/mls/group/messages.ts";
import { joinFromOutside } from "../../src/mls/group/outside.ts";
import { process } from "../../src/mls/group/process.ts";
import { load, save } from "../../src/mls/group/storage.ts";
import { branch, reinitialise } from "../../src/mls/group/successors.ts";
import { BasicCredential } from "../../src/mls/messages/credentials.ts";
import { AllowedSender, Extension, ExtensionType, ExternalSenders } from "../../src/mls/messages/extensions.ts";
import { signGroupInfo } from "../../src/mls/messages/group_info.ts";
import { MLSMessage } from "../../src/mls/messages/mls_message.ts";
import { ReInit, Remove } from "../../src/mls/messages/proposals.ts";
import { proposeAsExternalSender, proposeSelf } from "../../src/mls/public_group/outside.ts";
import { MOST_SKIPPED, MOST_STEPS } from "../../src/mls/schedule/secret_tree.ts";
import { cipherSuite } from "../../src/mls/crypto/suites.ts";
import { GROUP_ID, POLICY, keyPackageOf } from "./people.ts";
import { Room, codeOf, overTheWire, publicOf, refuses, sameState } from "./stage.ts";

const PEOPLE = ["alice", "bob", "carol", "dave", "erin"];

for (const suite of [1, 2, 3, 4, 5, 6, 7, 0xf04e]) {
  test(`people come, renew and go in suite 0x${suite.toString(16)}`, async () => {
    const room = await Room.of(["alice", "bob", "carol"], { suite });
    await room.everyoneCanTalk();
    await room.commit("bob");
    await room.commit("carol", [room.remove("alice"), ...(await room.invite("dave"))]);

    await room.everyoneCanTalk();

    assert.deepEqual([...room.groups.keys()], ["bob", "carol", "dave"]);
  });
}

test("handshakes may be encrypted too", async () => {
  const room = await Room.of(PEOPLE, { framing: PRIVATE });
  await room.commit("dave", [room.remove("bob")]);

  await room.everyoneCanTalk();
});

test("everyone comes alone, everyone renews, half of them go", async () => {
  const room = await Room.of([...PEOPLE, "frank", "grace"], { oneByOne: true });
  for (const name of [...room.groups.keys()]) await room.commit(name);
  await room.commit("alice", ["bob", "carol", "dave", "grace"].map((name) => room.remove(name)));
  await room.everyoneCanTalk();
  await room.commit("erin", await room.invite("heidi", "ivan"));
  await room.commit("ivan");

  await room.everyoneCanTalk();
});

test("a member that was removed reads nothing that comes after", async () => {
  const room = await Room.of(PEOPLE);
  const removed = room.at("bob");
  await room.commit("alice", [room.remove("bob")]);
  const { message } = await encrypt(room.at("alice"), utf8("he is gone"));
  const { message: renewal } = await room.startCommit("carol");

  assert(!room.groups.has("bob"));
  await refuses(removed, message, "wrong_epoch");
  await refuses(removed, renewal, "wrong_epoch");
});

test("nothing changes before a commit is accepted, and the loser of two goes on", async () => {
  const room = await Room.of(PEOPLE);
  const before = save(room.at("bob"));
  const lost = await room.startCommit("bob", await room.invite("frank"));
  assert(sameState(before, save(room.at("bob"))));

  await room.commit("carol");

  await refuses(room.at("alice"), lost.message, "wrong_epoch");
  await room.commit("bob", await room.invite("frank"));
  await room.everyoneCanTalk();
});

test("one's own messages are known as such", async () => {
  const room = await Room.of(PEOPLE);
  const said = await encrypt(room.at("alice"), utf8("hello"));
  const committed = await room.startCommit("alice");

  await refuses(said.group, said.message, "own_message");
  await refuses(room.at("alice"), committed.message, "own_message");
});

test("messages may come late, in any order and once", async () => {
  const room = await Room.of(["alice", "bob"]);
  const sent: MLSMessage[] = [];
  for (let number = 0; number < 5; number += 1) {
    const { message, group } = await encrypt(room.at("alice"), utf8(`${number}`));
    room.keep("alice", group);
    sent.push(message);
  }

  for (const number of [3, 0, 4, 1, 2]) {
    const message = sent[number];
    assert(message);
    assert.equal((await room.read("bob", message))[0], `${number}`);
    await refuses(room.at("bob"), message, "key_already_used");
  }
});

test("messages of four epochs back still open, with the names of their time", async () => {
  const room = await Room.of(["alice", "bob", "carol"]);
  const { message, group } = await encrypt(room.at("carol"), utf8("late"), { authenticatedData: utf8("x") });
  room.keep("carol", group);
  await room.commit("alice", [room.remove("carol"), ...(await room.invite("dave"))]);
  for (let epoch = 0; epoch < 3; epoch += 1) await room.commit("bob");

  assert.deepEqual(await room.read("alice", message), ["late", "x", "carol"]);

  await room.commit("alice");
  await refuses(room.at("bob"), message, "wrong_epoch");
});

test("a thousand skipped messages are kept, and five thousand steps are too many", async () => {
  const room = await Room.of(["alice", "bob"]);
  let group = room.at("alice");
  const sent: MLSMessage[] = [];
  for (let number = 0; number <= MOST_STEPS + 1; number += 1) {
    const outgoing = await encrypt(group, utf8("x"));
    ({ group } = outgoing);
    if ([0, 5, 6, MOST_SKIPPED + 5, MOST_STEPS + 1].includes(number)) sent.push(outgoing.message);
  }
  const [first, fifth, sixth, later, tooFar] = sent;
  assert(first && fifth && sixth && later && tooFar);

  await refuses(room.at("bob"), tooFar, "generation_too_far");
  await room.read("bob", later);
  await refuses(room.at("bob"), first, "key_already_used");
  assert.equal((await room.read("bob", fifth))[0], "x");
  assert.equal((await room.read("bob", sixth))[0], "x");
});

test("a proposal waits for a commit, and nobody speaks while a removal does", async () => {
  const room = await Room.of(PEOPLE);
  const sent = await propose(room.at("alice"), room.remove("erin"), POLICY);
  room.keep("alice", sent.group);
  await room.everyoneHears(sent.message, "alice");

  for (const name of ["alice", "dave"]) {
    assert.equal(await codeOf(() => encrypt(room.at(name), utf8("hush"))), "commit_first");
  }
  await room.commit("dave");
  assert(!room.groups.has("erin"));
  await room.everyoneCanTalk();
});

test("an own update takes effect when another commits it", async () => {
  const room = await Room.of(PEOPLE, { suite: 0xf04e });
  const key = await cipherSuite(0xf04e).signature.generate();
  const sent = await proposeUpdate(room.at("bob"), POLICY, { signatureKey: key });
  room.keep("bob", sent.group);
  await room.everyoneHears(sent.message, "bob");
  await room.commit("carol");

  await room.everyoneCanTalk();

  assert.deepEqual(room.at("bob").signatureKey, key);
  await room.commit("bob");
  await room.everyoneCanTalk();
});

test("a committer may change its own key on the way", async () => {
  const room = await Room.of(PEOPLE);
  const signatureKey = await cipherSuite(1).signature.generate();
  await room.commit("bob", await room.invite("frank"), { path: false, leaf: { signatureKey } });

  await room.everyoneCanTalk();

  assert.deepEqual(room.at("bob").signatureKey, signatureKey);
});

test("a bad proposal of one member keeps nobody from committing", async () => {
  const room = await Room.of(["alice", "bob", "carol"]);
  const [add] = await room.invite("dave");
  assert(add);
  for (const proposer of ["alice", "bob"]) {
    const proposal = proposer === "alice" ? add : room.remove("carol");
    const sent = await propose(room.at(proposer), proposal, POLICY);
    room.keep(proposer, sent.group);
    await room.everyoneHears(sent.message, proposer);
  }

  await room.commit("carol");

  assert.deepEqual([...room.groups.keys()], ["alice", "bob", "carol", "dave"]);
  await room.everyoneCanTalk();
});

test("an addition needs no path", async () => {
  const room = await Room.of(["alice", "bob"]);
  await room.commit("bob", await room.invite("carol"), { path: false });
  await room.commit("carol");

  await room.everyoneCanTalk();
});

test("one comes in from outside, and again in the place of an old self", async () => {
  const room = await Room.of(PEOPLE);
  const info = await room.at("alice").groupInfo({ withTree: true });
  const first = await joinFromOutside(info, await keyPackageOf("frank"), POLICY);
  await room.everyoneHears(first.message);
  room.keep("frank", first.group);
  await room.everyoneCanTalk();

  const again = await joinFromOutside(await room.at("bob").groupInfo({ withTree: true }), await keyPackageOf("frank"), POLICY, {
    replaces: room.at("frank").ownLeaf,
  });
  await room.everyoneHears(again.message);
  room.keep("frank", again.group);

  await room.everyoneCanTalk();
  assert.equal(room.at("frank").tree.members().length, 6);
});

test("the server may propose removals, and a newcomer itself", async () => {
  const suite = cipherSuite(1);
  const serverKey = await suite.signature.generate();
  const sender = AllowedSender.of({
    signatureKey: await suite.signature.publicKeyOf(serverKey),
    credential: BasicCredential.of({ identity: utf8("server") }),
  });
  const extensionData = ExternalSenders.encode(ExternalSenders.of({ senders: [sender] }));
  const extension = Extension.of({ extensionType: ExtensionType.EXTERNAL_SENDERS, extensionData });
  const room = await Room.of(PEOPLE, { extensions: [extension] });
  const own = await keyPackageOf("frank");
  room.packages.set("frank", own);
  const { context } = room.server;
  await room.everyoneHears(await proposeAsExternalSender(context, 0, serverKey, room.remove("erin")));
  await room.everyoneHears(await proposeSelf(context, own.package, own.signatureKey));

  await refuses(room.at("alice"), await proposeAsExternalSender(context, 1, serverKey, room.remove("bob")), "external_sender_unknown");
  await room.commit("bob");
  assert.deepEqual([...room.groups.keys()], ["alice", "bob", "carol", "dave", "frank"]);
  await room.everyoneCanTalk();
});

test("a group is reinitialised in another suite, by all its members", async () => {
  const room = await Room.of(["alice", "bob"]);
  const announced = ReInit.of({ groupId: utf8("next"), version: 1, cipherSuite: 0xf04e, extensions: [] });
  await room.commit("alice", [announced], { path: false });
  const [old, oldBob] = [room.at("alice"), room.at("bob")];
  assert.equal(await codeOf(() => encrypt(old, utf8("x"))), "group_closed");
  const [own, bobs] = [await keyPackageOf("alice", 0xf04e), await keyPackageOf("bob", 0xf04e)];
  const names = { ...POLICY, clientOf: byName };

  const pending = await reinitialise(old, own, [bobs.package], names);

  assert(pending.welcome?.body.kind === "Welcome");
  const { body } = pending.welcome;
  const joined = await join(body, bobs, names, { parent: oldBob });
  assert.deepEqual(joined.epochAuthenticator, pending.group.epochAuthenticator);
  assert.equal(await codeOf(() => join(body, bobs, names)), "psk_unknown");
  assert.equal(await codeOf(() => reinitialise(pending.group, own, [], names)), "not_reinitialised");
  assert.equal(await codeOf(() => reinitialise(old, own, [], names)), "parent_mismatch");
});

const byName = ({ credential }: Parameters<typeof POLICY.clientOf>[0]): string =>
  credential.kind === "BasicCredential" ? credential.identity.join() : "";

test("some members branch off, and nobody who was not there", async () => {
  const room = await Room.of(["alice", "bob", "carol"]);
  const names = { ...POLICY, clientOf: byName };
  const [own, bobs, mallorys] = [await keyPackageOf("alice"), await keyPackageOf("bob"), await keyPackageOf("mallory")];

  const pending = await branch(room.at("alice"), own, [bobs.package], utf8("aside"), names);

  assert(pending.welcome?.body.kind === "Welcome");
  const joined = await join(pending.welcome.body, bobs, names, { parent: room.at("bob") });
  assert.deepEqual(joined.epochAuthenticator, pending.group.epochAuthenticator);
  const withMallory = branch(room.at("alice"), own, [mallorys.package], utf8("aside"), names);
  assert.equal(await codeOf(() => withMallory), "parent_mismatch");
});

test("a Welcome is for those invited, once, and not for those who are in", async () => {
  const room = await Room.of(["alice", "bob"]);
  const [bobs, stranger] = [await keyPackageOf("carol"), await keyPackageOf("carol")];
  room.packages.set("carol", bobs);
  const pending = await room.startCommit("alice", [{ kind: "Add", keyPackage: bobs.package }]);
  assert(pending.welcome?.body.kind === "Welcome");
  const { body } = pending.welcome;

  assert.equal(await codeOf(() => join(body, stranger, POLICY)), "not_invited");
  assert.equal(await codeOf(() => join(body, bobs, POLICY, { knownGroups: [GROUP_ID] })), "group_known");
  assert.equal((await join(body, bobs, POLICY)).epoch, 2n);
});

test("a state that was stored is the same state, and spoiled ones are refused", async () => {
  const room = await Room.of(PEOPLE);
  const sent = await proposeUpdate(room.at("bob"), POLICY);
  await encrypt(sent.group, utf8("x"));
  const saved = save(sent.group);
  const other = save(room.at("alice"));

  assert(sameState(save(load(saved)), saved));
  await room.commit("carol");
  const later = save(room.at("bob"));
  for (const bad of [
    { secret: saved.secret, public: later.public },
    { secret: utf8(""), public: saved.public },
    { secret: saved.secret, public: Uint8Array.of(0, 2, ...saved.public.subarray(2)) },
  ]) {
    assert.equal(await codeOf(async () => load(bad)), "stored_state_invalid");
  }
  assert.equal(await codeOf(async () => load({ ...other, secret: other.secret.slice(0, -1) })), "decode_error");
});

test("an expired key package, or one for ever, is not committed", async () => {
  const group = await createGroup(await keyPackageOf("alice"), GROUP_ID, POLICY);
  const { package: keyPackage } = await keyPackageOf("bob");
  const add = (now: number, longestLifetime = POLICY.longestLifetime) =>
    codeOf(() => commit(group, { proposals: [{ kind: "Add", keyPackage }] }, { ...POLICY, now, longestLifetime }));
  const now = POLICY.now ?? 0;

  assert.equal(await add(now), "accepted");
  assert.equal(await add(now + 90 * 24 * 3600), "lifetime_not_now");
  assert.equal(await add(now - 2 * 24 * 3600), "lifetime_not_now");
  assert.equal(await add(now, 30 * 24 * 3600), "lifetime_too_long");
});

test("the server is told what a commit changes, and of nothing but commits", async () => {
  const room = await Room.of(["alice", "bob"]);
  const { server } = room;
  const { message } = await room.startCommit("alice", await room.invite("carol"));
  const sent = await proposeUpdate(room.at("bob"), POLICY);
  assert(message.body.kind === "PublicMessage" && sent.message.body.kind === "PublicMessage");
  const [commitBody, proposalBody] = [message.body, sent.message.body];

  const staged = await server.receiveCommit(commitBody, POLICY);

  assert.equal(staged.changes.added.length, 1);
  assert.equal(staged.context.epoch, server.context.epoch + 1n);
  assert.equal(await codeOf(() => server.receiveCommit(proposalBody, POLICY)), "sender_not_allowed");
});

test("the server takes a true GroupInfo and no other", async () => {
  const room = await Room.of(["alice", "bob"]);
  const server = await publicOf(room.at("alice"));
  const info = await room.at("bob").groupInfo({ withTree: true });

  assert.equal(await codeOf(() => server.checkGroupInfo(info)), "accepted");
  const spoiled = { ...info, confirmationTag: new Uint8Array(32) };
  assert.equal(await codeOf(() => server.checkGroupInfo(spoiled)), "group_info_signature_invalid");
  await room.commit("alice");
  const later = await room.at("bob").groupInfo({ withTree: true });
  assert.equal(await codeOf(() => server.checkGroupInfo(later)), "group_info_mismatch");
  const { suite, signatureKey } = room.at("bob");
  const withOtherTree = await signGroupInfo(suite, signatureKey, { ...info, extensions: later.extensions });
  assert.equal(await codeOf(() => server.checkGroupInfo(withOtherTree)), "group_info_mismatch");
});

test("spoiled bytes give only the engine's errors, and leave the state", async () => {
  const room = await Room.of(["alice", "bob", "carol"]);
  const { message } = await encrypt(room.at("alice"), utf8("hello"));
  const { message: renewal } = await room.startCommit("carol", [room.remove("alice")], { framing: PUBLIC });
  const before = save(room.at("bob"));
  const doors = [message, renewal].map((each) => overTheWire(each));

  for (const door of doors) await spoilEverywhere(door, room);

  assert(sameState(before, save(room.at("bob"))));
  assert.equal((await process(room.at("bob"), message, POLICY)).kind, "ApplicationMessage");
});

async function spoilEverywhere(door: MLSMessage, room: Room): Promise<void> {
  const bytes = MLSMessage.encode(door);
  for (let index = 0; index < bytes.length; index += 3) {
    const spoiled = bytes.slice();
    spoiled[index] = (spoiled[index] ?? 0) ^ (1 << (index % 8));
    const code = await codeOf(async () => process(room.at("bob"), MLSMessage.decode(spoiled), POLICY));
    assert.notEqual(code, "accepted", `byte ${index}`);
  }
  assert.equal(await codeOf(async () => MLSMessage.decode(bytes.subarray(0, -1))), "decode_error");
}

test("a removal of nobody is refused before it is sent", async () => {
  const room = await Room.of(["alice", "bob"]);
  const { removed } = room.remove("bob");
  await room.commit("alice", [Remove.of({ removed })]);

  assert.equal(await codeOf(() => room.startCommit("alice", [Remove.of({ removed })])), "blank_leaf");
  assert.equal(await codeOf(() => room.startCommit("alice", [room.remove("alice")])), "committer_removed");
});
