// The format of encrypted files: the same vectors as in tests/attachments/test_attachments.py.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { sha256 } from "@noble/hashes/sha2.js";
import {
  CHUNK_BYTES,
  type Digest,
  FileRefused,
  Opener,
  SEALED_CHUNK_BYTES as STEP,
  encryptedSize,
  importKey,
  sealed,
} from "../src/attachments/stream.ts";
import { type Bytes, concat, randomBytes } from "../src/bytes.ts";

interface Vector {
  key: string;
  size: number;
  sha256: string;
  encrypted_size: number;
  ciphertext_sha256: string;
  ciphertext: string | null;
}

const VECTORS = JSON.parse(readFileSync("../tests/attachments/vectors.json", "utf8")) as Vector[];

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function unhex(text: string): Bytes {
  return Uint8Array.from({ length: text.length / 2 }, (_, at) => Number.parseInt(text.slice(2 * at, 2 * at + 2), 16));
}

function plaintextOf(size: number): Bytes {
  return Uint8Array.from({ length: size }, (_, index) => (index * 167) % 251);
}

async function seal(plaintext: Bytes, key: CryptoKey): Promise<{ bytes: Bytes; digest: Digest }> {
  const chunks: Bytes[] = [];
  const all = sealed(new Blob([plaintext]), key);
  for (;;) {
    const next = await all.next();
    if (next.done) return { bytes: concat(...chunks), digest: next.value };
    chunks.push(next.value);
  }
}

async function open(bytes: Bytes, key: CryptoKey, digest: Digest, by = 10_000): Promise<Bytes> {
  const opener = new Opener(key, digest);
  const chunks: Bytes[] = [];
  for (let at = 0; at < bytes.length; at += by) chunks.push(...(await opener.open(bytes.subarray(at, at + by))));
  return concat(...chunks, await opener.end());
}

for (const vector of VECTORS) {
  test(`a file of ${vector.size} bytes is sealed as in Python, and opens`, async () => {
    const key = await importKey(unhex(vector.key));
    const plaintext = plaintextOf(vector.size);

    const { bytes, digest } = await seal(plaintext, key);

    assert.equal(bytes.length, vector.encrypted_size);
    assert.equal(encryptedSize(vector.size), vector.encrypted_size);
    assert.equal(hex(sha256(bytes)), vector.ciphertext_sha256);
    if (vector.ciphertext !== null) assert.equal(hex(bytes), vector.ciphertext);
    assert.deepEqual([digest.size, hex(digest.sha256)], [vector.size, vector.sha256]);
    for (const by of [STEP, 1_000_000, 9_999]) {
      assert.equal(hex(sha256(await open(bytes, key, digest, by))), vector.sha256);
    }
  });
}

test("a file of more than one block of reading is sealed whole", async () => {
  const key = await importKey(randomBytes(32));
  const plaintext = plaintextOf(9 * 1024 * 1024 + 5);

  const { bytes, digest } = await seal(plaintext, key);

  assert.equal(hex(sha256(await open(bytes, key, digest, 1_000_000))), hex(sha256(plaintext)));
});

async function three() {
  const secret = Uint8Array.from({ length: 32 }, (_, index) => index);
  const key = await importKey(secret);
  const { bytes, digest } = await seal(plaintextOf(2 * CHUNK_BYTES + 100), key);
  const parts = [bytes.slice(0, STEP), bytes.slice(STEP, 2 * STEP), bytes.slice(2 * STEP)];
  return { key, bytes, digest, parts: parts as [Bytes, Bytes, Bytes] };
}

/** A chunk of the same key, with another place or flag. */
async function forged(key: CryptoKey, number: number, flag: number): Promise<Bytes> {
  const iv = new Uint8Array(12);
  iv[10] = number;
  iv[11] = flag;
  const plaintext = plaintextOf(2 * CHUNK_BYTES + 100).subarray(number * CHUNK_BYTES, (number + 1) * CHUNK_BYTES);
  return new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, plaintext));
}

function flipped(bytes: Bytes, at: number): Bytes {
  const changed = bytes.slice();
  const index = at < 0 ? bytes.length + at : at;
  changed[index] = (changed[index] ?? 0) ^ 1;
  return changed;
}

type Change = (file: Awaited<ReturnType<typeof three>>) => Bytes | Promise<Bytes>;
const ATTACKS: Record<string, Change> = {
  nothing: () => new Uint8Array(),
  "the last chunk is missing": ({ parts: [first, second] }) => concat(first, second),
  "the end is missing": ({ bytes }) => bytes.slice(0, -1),
  "the first chunk is missing": ({ parts: [, second, third] }) => concat(second, third),
  "chunks are exchanged": ({ parts: [first, second, third] }) => concat(second, first, third),
  "a chunk comes twice": ({ parts: [first, second, third] }) => concat(first, first, second, third),
  "the last chunk comes twice": ({ bytes, parts: [, , third] }) => concat(bytes, third),
  "a byte is added": ({ bytes }) => concat(bytes, new Uint8Array(1)),
  "an empty last chunk is added": async ({ bytes, key }) => concat(bytes, await forged(key, 3, 1)),
  "a bit of the first chunk is flipped": ({ bytes }) => flipped(bytes, 0),
  "a bit of a tag is flipped": ({ bytes }) => flipped(bytes, -1),
  "the flag of the last chunk is missing": async ({ key, parts: [first, second] }) =>
    concat(first, second, await forged(key, 2, 0)),
  "the first chunk is the last": ({ key }) => forged(key, 0, 1),
};

for (const [name, change] of Object.entries(ATTACKS)) {
  test(`a changed file is refused: ${name}`, async () => {
    const file = await three();
    assert.equal((await open(file.bytes, file.key, file.digest)).length, file.digest.size);

    await assert.rejects(open(await change(file), file.key, file.digest), FileRefused);
  });
}

test("another key does not open it", async () => {
  const { bytes, digest } = await three();

  await assert.rejects(open(bytes, await importKey(randomBytes(32)), digest), FileRefused);
});

test("another file of the same key is refused", async () => {
  const { key, digest } = await three();

  for (const size of [digest.size, digest.size - 1, digest.size + 1]) {
    const other = await seal(new Uint8Array(size), key);
    await assert.rejects(open(other.bytes, key, digest), FileRefused);
  }
});
