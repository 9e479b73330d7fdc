// What mls-engine.ts promises, against hostile bytes too.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Bytes, copyOf, fromBase64, fromUtf8, sameBytes, utf8, uuidToBytes } from "../src/bytes.ts";
import { CredentialRefused, encodeCredential, generateSigningKeys, issueCredential } from "../src/identity.ts";
import { MlsRefused } from "../src/mls-allowed.ts";
import { KEY_PACKAGE_DAYS, MlsEngine, type Processed, type Proposed, RemovalsWait, TooLong, paddedSize } from "../src/mls-engine.ts";
import { Group, type Member, changeBetween } from "../src/mls-group.ts";
import { RatchetTreeExtension } from "../src/mls/messages/ratchet_tree.ts";
import { commit } from "../src/mls/group/commit.ts";
import { propose } from "../src/mls/group/messages.ts";
import { asLeafIndex } from "../src/mls/messages/indexes.ts";
import { MLSMessage } from "../src/mls/messages/mls_message.ts";
import { Add, Remove } from "../src/mls/messages/proposals.ts";
import { policyOf } from "../src/mls/public_group/policy.ts";
import { Records } from "../src/store/records.ts";
import { Vault, generateLocalKey } from "../src/store/vault.ts";
import { Trust } from "../src/worker/trust.ts";
import { MemoryStore } from "./memory-store.ts";
import { Relay } from "./relay.ts";

const NOW = Math.floor(Date.now() / 1000);
const DAY = 86_400;
const NOTHING = new Uint8Array();
const NO_CHANGE = { add: [], remove: [] };

async function emptyTrust(): Promise<Trust> {
  const vault = await Vault.unlock(await generateLocalKey(), crypto.getRandomValues(new Uint8Array(32)));
  return Trust.load(new Records(new MemoryStore(), vault));
}

const trust = await emptyTrust();
const rules = () => trust.look().at(NOW * 1000);
const strict = () => ({
  ...rules(),
  judge: async () => {
    throw new CredentialRefused("nobody is welcome");
  },
});

async function settingsOf(suite: number) {
  const { external_sender } = await new Relay().settings();
  return { cipherSuite: suite, externalSender: fromBase64(external_sender) };
}

function addOf(published: Bytes): Add {
  const { body } = MLSMessage.decode(published);
  assert(body.kind === "UncheckedKeyPackage");
  return Add.of({ keyPackage: body });
}

async function device(suite = 0xf04e, settings = settingsOf(suite)) {
  const [identity, keys] = [await generateSigningKeys(), await generateSigningKeys()];
  const [accountId, deviceId] = [crypto.randomUUID(), crypto.randomUUID()];
  const credential = await issueCredential(identity, accountId, deviceId, keys.publicKey);
  return { accountId, deviceId, mls: MlsEngine.load(keys, encodeCredential(credential), await settings) };
}

type Device = Awaited<ReturnType<typeof device>>;

/** What the server serves beside a Welcome. */
function treeAt(group: Group): Bytes {
  return RatchetTreeExtension.encode(group.state.tree.toExtension());
}

async function invited(by: Device, group: Group, guest: Device): Promise<[Group, Group, Bytes]> {
  const keyPackage = await guest.mls.makeKeyPackage(NOW, { lastResort: false });
  const made = await by.mls.commit(group, { add: [keyPackage.published], remove: [] }, NOTHING, rules());
  assert(made.welcome);
  const place = { groupId: group.id, tree: treeAt(made.next), rules: rules() };
  return [made.next, await guest.mls.join(made.welcome, keyPackage.secret, place), made.commit];
}

async function pair(alice: Device, bob: Device): Promise<[Group, Group]> {
  const { group } = await alice.mls.createGroup(uuidToBytes(crypto.randomUUID()), rules());
  const [atAlice, atBob] = await invited(alice, group, bob);
  return [atAlice, atBob];
}

function committed(taken: Processed | Proposed): Processed {
  assert(taken.kind === "committed");
  return taken;
}

const idsOf = (members: readonly Member[]) => members.map(({ deviceId }) => deviceId);

function flipped(bytes: Bytes, index: number): Bytes {
  const changed = copyOf(bytes);
  changed[index] = (changed[index] ?? 0) ^ 1;
  return changed;
}

test("a message tells its text, its sender and its authenticated data", async () => {
  const [alice, bob] = [await device(), await device()];
  const [atAlice, atBob] = await pair(alice, bob);

  const { ciphertext } = await alice.mls.encrypt(atAlice, utf8("hello"), utf8("bound"));
  const opened = await bob.mls.decrypt(atBob, ciphertext);

  assert.equal(fromUtf8(opened.plaintext), "hello");
  assert.equal(fromUtf8(opened.authenticatedData), "bound");
  assert.equal(opened.sender.deviceId, alice.deviceId);
});

test("a replay and every changed bit are refused, and the group goes on", async () => {
  const [alice, bob] = [await device(), await device()];
  const [atAlice, atBob] = await pair(alice, bob);
  const { ciphertext, next } = await alice.mls.encrypt(atAlice, utf8("hello"), utf8("bound"));
  const before = atBob.saveSecret();

  for (let index = 0; index < ciphertext.length; index += 7) {
    await assert.rejects(bob.mls.decrypt(atBob, flipped(ciphertext, index)), MlsRefused);
  }
  assert(sameBytes(atBob.saveSecret(), before));
  const opened = await bob.mls.decrypt(atBob, ciphertext);
  await assert.rejects(bob.mls.decrypt(opened.next, ciphertext), MlsRefused);
  const second = await alice.mls.encrypt(next, utf8("again"), NOTHING);

  assert.equal(fromUtf8((await bob.mls.decrypt(opened.next, second.ciphertext)).plaintext), "again");
});

test("the length of a ciphertext says only which padded size it has", async () => {
  const [alice, bob] = [await device(), await device()];
  const [atAlice] = await pair(alice, bob);
  const lengthOf = async (length: number) =>
    (await alice.mls.encrypt(atAlice, new Uint8Array(length), NOTHING)).ciphertext.length;

  const lengths = await Promise.all([1, 63, 64, 188].map(lengthOf));
  const larger = await Promise.all([189, 956].map(lengthOf));

  assert.equal(new Set(lengths).size, 1);
  assert.equal(new Set(larger).size, 1);
  assert.equal((larger[0] ?? 0) - (lengths[0] ?? 0), 1024 - 256);
});

test("padded sizes hold the text, its header and the signature exactly", () => {
  const table = [[0, 256], [188, 256], [189, 1024], [956, 1024], [957, 4096], [16316, 16384], [16317, 65536], [65466, 65536]] as const;
  for (const [length, size] of table) assert.equal(paddedSize(length), size, String(length));
  assert.throws(() => paddedSize(65467), TooLong);
});

test("a group comes back from its two parts, of which only the small one changes with a message", async () => {
  const [alice, bob] = [await device(), await device()];
  const [atAlice, atBob] = await pair(alice, bob);
  const { ciphertext, next } = await alice.mls.encrypt(atAlice, utf8("one"), NOTHING);

  const restored = Group.restore({ secret: atBob.saveSecret(), tree: atBob.saveTree() });
  const opened = await bob.mls.decrypt(restored, ciphertext);
  const again = Group.restore({ secret: next.saveSecret(), tree: atAlice.saveTree() });
  const second = await alice.mls.encrypt(again, utf8("two"), NOTHING);

  assert.equal(fromUtf8((await bob.mls.decrypt(opened.next, second.ciphertext)).plaintext), "two");
  assert(sameBytes(next.saveTree(), atAlice.saveTree()));
  assert.throws(() => Group.restore({ secret: NOTHING, tree: atBob.saveTree() }), MlsRefused);
});

test("a commit is only applied where it fits, and tells whom it adds", async () => {
  const [alice, bob, carol] = [await device(), await device(), await device()];
  const [atAlice, atBob] = await pair(alice, bob);
  const keyPackage = await carol.mls.makeKeyPackage(NOW, { lastResort: true });

  const changes = { add: [keyPackage.published], remove: [] };
  const { commit, welcome, next } = await alice.mls.commit(atAlice, changes, utf8("bound"), rules());
  const taken = committed(await bob.mls.take(atBob, commit, rules()));
  assert(welcome && taken.next);
  const place = { groupId: next.id, tree: treeAt(next), rules: rules() };
  const atCarol = await carol.mls.join(welcome, keyPackage.secret, place);

  assert.equal(fromUtf8(taken.authenticatedData), "bound");
  assert.deepEqual(idsOf(taken.change.added), [carol.deviceId]);
  assert.deepEqual(idsOf(changeBetween(atAlice, next).added), [carol.deviceId]);
  await assert.rejects(bob.mls.take(taken.next, commit, rules()), MlsRefused);
  for (let index = 0; index < commit.length; index += 97) {
    await assert.rejects(bob.mls.take(atBob, flipped(commit, index), rules()), MlsRefused);
  }
  const { ciphertext } = await carol.mls.encrypt(atCarol, utf8("hi"), NOTHING);
  assert.equal(fromUtf8((await bob.mls.decrypt(taken.next, ciphertext)).plaintext), "hi");
});

test("who was removed is told so, and reads nothing that follows", async () => {
  const [alice, bob, carol] = [await device(), await device(), await device()];
  const [first, atBob] = await pair(alice, bob);
  const [atAlice, atCarol, adding] = await invited(alice, first, carol);
  const bobToo = committed(await bob.mls.take(atBob, adding, rules())).next;
  assert(bobToo);

  const remove = atAlice.members.filter(({ deviceId }) => deviceId === carol.deviceId);
  const { commit, next } = await alice.mls.commit(atAlice, { add: [], remove }, NOTHING, rules());
  const atCarolAfter = committed(await carol.mls.take(atCarol, commit, rules()));
  const atBobAfter = committed(await bob.mls.take(bobToo, commit, rules()));
  const { ciphertext } = await alice.mls.encrypt(next, utf8("without Carol"), NOTHING);

  assert.equal(atCarolAfter.next, null);
  assert.deepEqual(atBobAfter.change.removed.map(({ member }) => member.deviceId), [carol.deviceId]);
  assert.deepEqual(atBobAfter.change.removed.map(({ by }) => by?.deviceId), [alice.deviceId]);
  assert(atBobAfter.next);
  assert.equal(fromUtf8((await bob.mls.decrypt(atBobAfter.next, ciphertext)).plaintext), "without Carol");
  await assert.rejects(carol.mls.decrypt(atCarol, ciphertext), MlsRefused);
});

test("who wants to leave is removed by the next commit, and until then nobody speaks", async () => {
  const [alice, bob] = [await device(), await device()];
  const [atAlice, atBob] = await pair(alice, bob);

  const wish = await bob.mls.proposeLeaving(atBob, utf8("bound"), rules());
  const proposed = await alice.mls.take(atAlice, wish, rules());
  const leaving = await bob.mls.takeOwn(atBob, wish, rules());
  assert(proposed.kind === "proposed");
  await assert.rejects(alice.mls.encrypt(proposed.next, utf8("not yet"), NOTHING), RemovalsWait);
  const { commit, next } = await alice.mls.commit(proposed.next, NO_CHANGE, NOTHING, rules());
  const atBobAfter = committed(await bob.mls.take(leaving, commit, rules()));

  assert.deepEqual([proposed.next.isLeaving, leaving.isLeaving], [false, true]);
  assert.deepEqual(idsOf(proposed.next.leaving), [bob.deviceId]);
  assert.equal(proposed.sender?.deviceId, bob.deviceId);
  assert.equal(atBobAfter.next, null);
  assert.deepEqual(changeBetween(proposed.next, next).removed.map(({ by }) => by?.deviceId), [bob.deviceId]);
});

test("the server may propose that somebody be removed, and nothing else", async () => {
  const relay = new Relay();
  const { external_sender, cipher_suite } = await relay.settings();
  const settings = Promise.resolve({ cipherSuite: cipher_suite, externalSender: fromBase64(external_sender) });
  const [alice, bob, carol] = [await device(1, settings), await device(1, settings), await device(1, settings)];
  const [atAlice, atBob] = await pair(alice, bob);
  const keyPackage = await carol.mls.makeKeyPackage(NOW, { lastResort: false });
  const removal = await relay.propose(atAlice.state.context, Remove.of({ removed: asLeafIndex(1) }));
  const addition = await relay.propose(atAlice.state.context, addOf(keyPackage.published));

  const proposed = await alice.mls.take(atAlice, removal, rules());

  assert(proposed.kind === "proposed");
  assert.equal(proposed.sender, null);
  assert.deepEqual(idsOf(proposed.next.leaving), [bob.deviceId]);
  await assert.rejects(alice.mls.take(atAlice, addition, rules()), MlsRefused);
  await assert.rejects(bob.mls.take(atBob, flipped(removal, removal.length - 1), rules()), MlsRefused);
});

test("nobody is removed by a proposal of another member", async () => {
  const [alice, bob] = [await device(), await device()];
  const [atAlice, atBob] = await pair(alice, bob);
  const against = Remove.of({ removed: asLeafIndex(0) });

  const { message } = await propose(atBob.state, against, policyOf(() => undefined, { now: NOW }));

  await assert.rejects(alice.mls.take(atAlice, MLSMessage.encode(message), rules()), MlsRefused);
});

test("a member whose credential is refused is not let in by anybody", async () => {
  const [alice, bob, carol] = [await device(), await device(), await device()];
  const [atAlice, atBob] = await pair(alice, bob);
  const keyPackage = await carol.mls.makeKeyPackage(NOW, { lastResort: false });

  const changes = { add: [keyPackage.published], remove: [] };
  const { commit, welcome, next } = await alice.mls.commit(atAlice, changes, NOTHING, rules());
  assert(welcome);
  const place = { groupId: next.id, tree: treeAt(next), rules: strict() };

  await assert.rejects(alice.mls.commit(atAlice, changes, NOTHING, strict()), MlsRefused);
  await assert.rejects(bob.mls.take(atBob, commit, strict()), MlsRefused);
  await assert.rejects(carol.mls.join(welcome, keyPackage.secret, place), MlsRefused);
  await assert.rejects(carol.mls.checkKeyPackage(keyPackage.published, 0xf04e, strict()), MlsRefused);
});

test("a leaf keeps its owner: a commit cannot make it somebody else's", async () => {
  const [alice, bob, mallory] = [await device(), await device(), await device()];
  const [atAlice, atBob] = await pair(alice, bob);
  const [, asMallory] = await invited(alice, atAlice, mallory);
  const credential = asMallory.state.tree.leaf(asMallory.state.ownLeaf).credential;
  const { signatureKey } = asMallory.state;

  const policy = policyOf(() => undefined, { now: NOW });
  const taken = await commit(atBob.state, { leaf: { credential, signatureKey } }, policy);

  await assert.rejects(alice.mls.take(atAlice, MLSMessage.encode(taken.message), rules()), MlsRefused);
});

test("a key package is refused outside its lifetime, and tells whose it is", async () => {
  const bob = await device();
  const { published } = await bob.mls.makeKeyPackage(NOW, { lastResort: false });
  const at = (time: number) => trust.look().at(time * 1000);

  const member = await bob.mls.checkKeyPackage(published, 0xf04e, at(NOW));

  assert.equal(member.accountId, bob.accountId);
  await assert.rejects(bob.mls.checkKeyPackage(published, 1, at(NOW)), MlsRefused);
  await assert.rejects(bob.mls.checkKeyPackage(published, 0xf04e, at(NOW + (KEY_PACKAGE_DAYS + 1) * DAY)), MlsRefused);
  await assert.rejects(bob.mls.checkKeyPackage(published, 0xf04e, at(NOW - 2 * DAY)), MlsRefused);
  for (const bytes of [NOTHING, published.slice(0, 40), new Uint8Array(300)]) {
    await assert.rejects(bob.mls.checkKeyPackage(bytes, 0xf04e, at(NOW)), MlsRefused);
  }
});

test("a welcome to another group, with another tree or for another key package is refused", async () => {
  const [alice, bob] = [await device(), await device()];
  const { group } = await alice.mls.createGroup(uuidToBytes(crypto.randomUUID()), rules());
  const [one, other] = [
    await bob.mls.makeKeyPackage(NOW, { lastResort: false }),
    await bob.mls.makeKeyPackage(NOW, { lastResort: false }),
  ];

  const { welcome, next } = await alice.mls.commit(group, { add: [one.published], remove: [] }, NOTHING, rules());
  assert(welcome);
  const place = { groupId: group.id, tree: treeAt(next), rules: rules() };

  assert.deepEqual(bob.mls.welcomeReferences(welcome), [one.reference]);
  await assert.rejects(bob.mls.join(welcome, other.secret, place), MlsRefused);
  await assert.rejects(bob.mls.join(welcome, one.secret, { ...place, tree: treeAt(group) }), MlsRefused);
  const elsewhere = { ...place, groupId: uuidToBytes(crypto.randomUUID()) };
  await assert.rejects(bob.mls.join(welcome, one.secret, elsewhere), MlsRefused);
  assert.equal((await bob.mls.join(welcome, one.secret, place)).epoch, 1);
});

test("the organisation chooses between the hybrid suite and the one without post-quantum keys", async () => {
  const [hybrid, classical] = [await device(0xf04e), await device(1)];

  const group = async ({ mls }: Device) => (await mls.createGroup(uuidToBytes(crypto.randomUUID()), rules())).group;

  assert.deepEqual([(await group(hybrid)).suite, (await group(classical)).suite], [0xf04e, 1]);
  await assert.rejects(device(2), MlsRefused);
});
