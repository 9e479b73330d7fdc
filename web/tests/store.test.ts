// What lies in the store is sealed for its place and opens only with the server's share.

import assert from "node:assert/strict";
import { test } from "node:test";
import { fromUtf8, randomBytes, sameBytes } from "../src/bytes.ts";
import type { MessageRecord } from "../src/store/records.ts";
import { Records } from "../src/store/records.ts";
import { Vault, VaultRefused, generateLocalKey } from "../src/store/vault.ts";
import { MemoryStore } from "./memory-store.ts";

const CONVERSATION = "11111111-1111-4111-8111-111111111111";

function message(id: string, sequence: number): MessageRecord {
  return {
    id,
    conversationId: CONVERSATION,
    sequence,
    position: sequence,
    senderId: "",
    senderDeviceId: "",
    at: "",
    body: { type: "text", text: "canary" },
    delivery: null,
    problem: null,
  };
}

test("a sealed value opens with the same key and share at the same place only", async () => {
  const [localKey, share] = [await generateLocalKey(), randomBytes(32)];
  const vault = await Vault.unlock(localKey, share);
  const sealed = await vault.seal("messages", "a", { text: "canary" });
  const again = await Vault.unlock(localKey, share);
  const withoutServer = await Vault.unlock(localKey, randomBytes(32));
  const otherProfile = await Vault.unlock(await generateLocalKey(), share);
  const registration = await Vault.forRegistration(localKey);

  assert.deepEqual(await again.open("messages", "a", sealed), { text: "canary" });
  await assert.rejects(again.open("messages", "b", sealed), VaultRefused);
  await assert.rejects(again.open("outbox", "a", sealed), VaultRefused);
  for (const other of [withoutServer, otherProfile, registration]) {
    await assert.rejects(other.open("messages", "a", sealed), VaultRefused);
  }
});

test("a changed bit is refused and the same value is never sealed alike", async () => {
  const vault = await Vault.unlock(await generateLocalKey(), randomBytes(32));
  const sealed = await vault.seal("groups", "a", 1);
  const changed = sealed.slice();
  changed[20] = (changed[20] ?? 0) ^ 1;

  await assert.rejects(vault.open("groups", "a", changed), VaultRefused);
  assert(!sameBytes(sealed, await vault.seal("groups", "a", 1)));
});

test("the local key and the vault key cannot be exported", async () => {
  const localKey = await generateLocalKey();

  assert.equal(localKey.extractable, false);
  await assert.rejects(crypto.subtle.exportKey("raw", localKey));
});

test("rows show ids and order, and never content", async () => {
  const store = new MemoryStore();
  const records = new Records(store, await Vault.unlock(await generateLocalKey(), randomBytes(32)));

  await records.unit().put("messages", "a", message("a", 7)).commit();

  const row = await store.get("messages", "a");
  assert(row);
  assert.deepEqual(Object.keys(row).sort(), ["conversation", "key", "sealed", "sequence"]);
  assert.equal(row.sequence, 7);
  assert.throws(() => assert.match(fromUtf8(row.sealed), /canary/));
});

test("a unit is written as one transaction and not before it is committed", async () => {
  const store = new MemoryStore();
  const records = new Records(store, await Vault.unlock(await generateLocalKey(), randomBytes(32)));
  const applied: number[] = [];
  const apply = store.apply.bind(store);
  store.apply = (changes) => {
    applied.push(changes.length);
    return apply(changes);
  };

  const unit = records.unit().put("messages", "a", message("a", 1)).put("groups", "g", { secret: "" });
  assert.equal(await records.get("messages", "a"), undefined);
  await unit.remove("outbox", "a").commit();

  assert.deepEqual(applied, [3]);
  assert.equal((await records.get("messages", "a"))?.sequence, 1);
});

test("the newest come first, below a sequence, of one conversation", async () => {
  const records = new Records(new MemoryStore(), await Vault.unlock(await generateLocalKey(), randomBytes(32)));
  const unit = records.unit();
  for (const sequence of [1, 2, 3, 4]) unit.put("messages", String(sequence), message(String(sequence), sequence));
  unit.put("messages", "x", { ...message("x", 3), conversationId: "another" });
  await unit.commit();

  const newest = await records.newest("messages", CONVERSATION, 4, 2);

  assert.deepEqual(newest.map(({ id }) => id), ["3", "2"]);
});
