// What mls-engine.ts promises, against hostile bytes too.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Bytes, copyOf, fromUtf8, sameBytes, utf8, uuidToBytes } from "../src/bytes.ts";
import { encodeCredential, generateSigningKeys, issueCredential, parseCredential, checkCredential } from "../src/identity.ts";
import { Group, KEY_PACKAGE_DAYS, MlsEngine, MlsRefused, TooLong, paddedSize } from "../src/mls-engine.ts";

const NOW = Math.floor(Date.now() / 1000);
const DAY = 86_400;
const NOTHING = new Uint8Array();

async function judge(identity: Bytes, signatureKey: Bytes): Promise<boolean> {
  return checkCredential(identity, signatureKey).then(() => true, () => false);
}

async function device(accept = judge) {
  const [identity, keys] = [await generateSigningKeys(), await generateSigningKeys()];
  const [accountId, deviceId] = [crypto.randomUUID(), crypto.randomUUID()];
  const credential = await issueCredential(identity, accountId, deviceId, keys.publicKey);
  return { accountId, deviceId, mls: await MlsEngine.load(keys, encodeCredential(credential), accept) };
}

type Device = Awaited<ReturnType<typeof device>>;

async function pair(alice: Device, bob: Device): Promise<[Group, Group]> {
  const id = uuidToBytes(crypto.randomUUID());
  const alone = await alice.mls.createGroup(id, NOW);
  const keyPackage = await bob.mls.makeKeyPackage(NOW, { lastResort: false });
  const { welcome, next } = await alice.mls.commitAdds(alone, [keyPackage.published], NOTHING);
  assert(welcome);
  return [next, await bob.mls.join(welcome, keyPackage.secret, id)];
}

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
  assert.equal(parseCredential(opened.sender.identity).deviceId, alice.deviceId);
});

test("a replay and every changed bit are refused, and the group goes on", async () => {
  const [alice, bob] = [await device(), await device()];
  const [atAlice, atBob] = await pair(alice, bob);
  const { ciphertext, next } = await alice.mls.encrypt(atAlice, utf8("hello"), utf8("bound"));
  const before = atBob.serialise();

  for (let index = 0; index < ciphertext.length; index += 7) {
    await assert.rejects(bob.mls.decrypt(atBob, flipped(ciphertext, index)), MlsRefused);
  }
  assert(sameBytes(atBob.serialise(), before));
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

test("a group comes back from its bytes and goes on", async () => {
  const [alice, bob] = [await device(), await device()];
  const [atAlice, atBob] = await pair(alice, bob);
  const { ciphertext, next } = await alice.mls.encrypt(atAlice, utf8("one"), NOTHING);

  const restored = Group.restore(atBob.serialise());
  const opened = await bob.mls.decrypt(restored, ciphertext);
  const again = await alice.mls.encrypt(Group.restore(next.serialise()), utf8("two"), NOTHING);

  assert.equal(fromUtf8((await bob.mls.decrypt(opened.next, again.ciphertext)).plaintext), "two");
});

test("a commit is only applied where it fits, by who it adds", async () => {
  const [alice, bob, carol] = [await device(), await device(), await device()];
  const [atAlice, atBob] = await pair(alice, bob);
  const keyPackage = await carol.mls.makeKeyPackage(NOW, { lastResort: true });

  const { commit, welcome, next } = await alice.mls.commitAdds(atAlice, [keyPackage.published], utf8("bound"));
  const processed = await bob.mls.processCommit(atBob, commit);
  assert(welcome);
  const atCarol = await carol.mls.join(welcome, keyPackage.secret, next.id);

  assert.equal(fromUtf8(processed.authenticatedData), "bound");
  assert.deepEqual(processed.added.map(({ identity }) => parseCredential(identity).deviceId), [carol.deviceId]);
  await assert.rejects(bob.mls.processCommit(processed.next, commit), MlsRefused);
  for (let index = 0; index < commit.length; index += 11) {
    await assert.rejects(bob.mls.processCommit(atBob, flipped(commit, index)), MlsRefused);
  }
  const { ciphertext } = await carol.mls.encrypt(atCarol, utf8("hi"), NOTHING);
  assert.equal(fromUtf8((await bob.mls.decrypt(processed.next, ciphertext)).plaintext), "hi");
});

test("a member whose credential is refused is not let in by anybody", async () => {
  const [alice, bob, carol] = [await device(), await device(), await device()];
  const [atAlice, atBob] = await pair(alice, bob);
  const keyPackage = await carol.mls.makeKeyPackage(NOW, { lastResort: false });
  const strict = await device(async () => false);
  const strictPackage = await strict.mls.makeKeyPackage(NOW, { lastResort: false });

  const { commit } = await alice.mls.commitAdds(atAlice, [keyPackage.published], NOTHING);
  const { welcome, next } = await alice.mls.commitAdds(atAlice, [strictPackage.published], NOTHING);
  assert(welcome);

  await assert.rejects(strict.mls.processCommit(atBob, commit), MlsRefused);
  await assert.rejects(strict.mls.join(welcome, strictPackage.secret, next.id), MlsRefused);
  await assert.rejects(strict.mls.checkKeyPackage(keyPackage.published, NOW), MlsRefused);
});

test("a key package is refused outside its lifetime, and its credential is told", async () => {
  const bob = await device();
  const { published } = await bob.mls.makeKeyPackage(NOW, { lastResort: false });

  const member = await bob.mls.checkKeyPackage(published, NOW);

  assert.equal(parseCredential(member.identity).accountId, bob.accountId);
  await assert.rejects(bob.mls.checkKeyPackage(published, NOW + (KEY_PACKAGE_DAYS + 1) * DAY), MlsRefused);
  await assert.rejects(bob.mls.checkKeyPackage(published, NOW - 2 * DAY), MlsRefused);
  for (const bytes of [NOTHING, published.slice(0, 40), new Uint8Array(300)]) {
    await assert.rejects(bob.mls.checkKeyPackage(bytes, NOW), MlsRefused);
  }
});

test("a welcome to another group, or for another key package, is refused", async () => {
  const [alice, bob] = [await device(), await device()];
  const id = uuidToBytes(crypto.randomUUID());
  const alone = await alice.mls.createGroup(id, NOW);
  const [one, other] = [
    await bob.mls.makeKeyPackage(NOW, { lastResort: false }),
    await bob.mls.makeKeyPackage(NOW, { lastResort: false }),
  ];

  const { welcome } = await alice.mls.commitAdds(alone, [one.published], NOTHING);
  assert(welcome);

  assert.deepEqual(bob.mls.welcomeReferences(welcome), [one.reference]);
  await assert.rejects(bob.mls.join(welcome, other.secret, id), MlsRefused);
  await assert.rejects(bob.mls.join(welcome, one.secret, uuidToBytes(crypto.randomUUID())), MlsRefused);
});
