// The device credential: the same bytes as securechat_sdk/identity.py, and what must be refused.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Bytes, concat, copyOf, sameBytes, toBase64, utf8, uuidToBytes, vector } from "../src/bytes.ts";
import {
  CredentialRefused,
  checkCredential,
  encodeCredential,
  generateSigningKeys,
  issueCredential,
  parseCredential,
  proveSession,
} from "../src/identity.ts";

// tests/mls/test_identity.py holds the same golden bytes.
const ACCOUNT = "11111111-1111-4111-8111-111111111111";
const DEVICE = "22222222-2222-4222-8222-222222222222";
const GOLDEN =
  "0111111111111141118111111111111111222222222222422282222222222222" +
  "222003a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc86641255" +
  "31b840400bcdfb1ba0f588e83c3dc02bde411a202aa7a6ac5b1a711192286b02" +
  "1b36cb02cca05edb88ba5a41a7b4497c5989d2a314787a307eb88b633d506def" +
  "d47fe80a";
const IDENTITY_PRIVATE = Uint8Array.from({ length: 32 }, (_, index) => index);
const IDENTITY_PUBLIC = fromHex("03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8");
const SIGNATURE_PUBLIC = fromHex("29acbae141bccaf0b22e1a94d34d0bc7361e526d0bfe12c89794bc9322966dd7");

function fromHex(hex: string): Bytes {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function withByte(bytes: Bytes, index: number, change: number): Bytes {
  const changed = copyOf(bytes);
  changed[index] = (changed[index] ?? 0) ^ change;
  return changed;
}

test("a credential has the golden bytes", async () => {
  const identity = { publicKey: IDENTITY_PUBLIC, privateKey: IDENTITY_PRIVATE };

  const credential = await issueCredential(identity, ACCOUNT, DEVICE, SIGNATURE_PUBLIC);

  assert.equal(toHex(encodeCredential(credential)), GOLDEN);
});

test("the golden credential names its account and device and verifies", async () => {
  const credential = await checkCredential(fromHex(GOLDEN), SIGNATURE_PUBLIC);

  assert.equal(credential.accountId, ACCOUNT);
  assert.equal(credential.deviceId, DEVICE);
  assert(sameBytes(credential.identityKey, IDENTITY_PUBLIC));
});

test("a changed byte anywhere is refused", async () => {
  const golden = fromHex(GOLDEN);
  for (const index of golden.keys()) {
    await assert.rejects(checkCredential(withByte(golden, index, 1), SIGNATURE_PUBLIC), CredentialRefused);
  }
});

test("a credential for another key, cut short or with bytes after it is refused", async () => {
  const golden = fromHex(GOLDEN);
  const other = await generateSigningKeys();

  await assert.rejects(checkCredential(golden, other.publicKey), CredentialRefused);
  for (const length of golden.keys()) {
    assert.throws(() => parseCredential(golden.slice(0, length)), CredentialRefused);
  }
  assert.throws(() => parseCredential(concat(golden, Uint8Array.of(0))), CredentialRefused);
});

test("a proof is a signature over the challenge and the device", async () => {
  const keys = await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]);
  const challenge = crypto.getRandomValues(new Uint8Array(32));

  const proof = await proveSession(keys.privateKey, challenge, DEVICE);

  const signed = concat(
    vector(utf8("SecureChat 1.0 SessionBinding")),
    vector(concat(challenge, uuidToBytes(DEVICE))),
  );
  assert(await crypto.subtle.verify("Ed25519", keys.publicKey, proof, signed));
  assert.notEqual(toBase64(proof), toBase64(await proveSession(keys.privateKey, challenge, ACCOUNT)));
});
