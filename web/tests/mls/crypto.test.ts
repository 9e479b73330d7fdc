// Keys, sealing and signing: what opens, and all that has to be refused.

import assert from "node:assert/strict";
import { test } from "node:test";
import { sha256 } from "@noble/hashes/sha2.js";
import { type Bytes, concat, copyOf, sameBytes, utf8 } from "../../src/bytes.ts";
import "../../src/mls/crypto/more_suites.ts";
import { HPKECiphertext } from "../../src/mls/crypto/hpke.ts";
import { SHA256 } from "../../src/mls/crypto/hash.ts";
import { formsOf } from "../../src/mls/crypto/low_order.ts";
import { asHpkePrivateKey, asSecret, asSignaturePrivateKey } from "../../src/mls/crypto/secrets.ts";
import { cipherSuite, supportedSuites } from "../../src/mls/crypto/suites.ts";
import { MLKEM768_X25519 } from "../../src/mls/crypto/xwing.ts";
import { DecryptionFailed, InvalidKey, InvalidSignature, MLSError, UnsupportedSuite } from "../../src/mls/errors.ts";
import { hex, unhex } from "../../src/mls/vectors/expect.ts";

const ALL = [1, 2, 3, 4, 5, 6, 7, 0xf04e];
const NOTHING = new Uint8Array(0);

// The first vector of draft-connolly-cfrg-xwing-kem
const SEED = "7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26";
const PUBLIC_KEY_END = "eff389b27dce59844570216223593d4ba32d9abac8cd049040ef6534";
const SHARED_SECRET = "d2df0522128f09dd8e2c92b1e905c793d8f57a54c3da25861f10bf4ca613e384";
const CIPHERTEXT = unhex(
  [
    "b83aa828d4d62b9a83ceffe1d3d3bb1ef31264643c070c5798927e41fb07914a273f8f96e7826cd5375a283d7da88530",
    "4c5de0516a0f0654243dc5b97f8bfeb831f68251219aabdd723bc6512041acbaef8af44265524942b902e68ffd23221c",
    "da70b1b55d776a92d1143ea3a0c475f63ee6890157c7116dae3f62bf72f60acd2bb8cc31ce2ba0de364f52b8ed38c79d",
    "719715963a5dd3842d8e8b43ab704e4759b5327bf027c63c8fa857c4908d5a8a7b88ac7f2be394d93c3706ddd4e698cc",
    "6ce370101f4d0213254238b4a2e8821b6e414a1cf20f6c1244b699046f5a01caa0a1a55516300b40d2048c77cc73afba",
    "79afeea9d2c0118bdf2adb8870dc328c5516cc45b1a2058141039e2c90a110a9e16b318dfb53bd49a126d6b73f215787",
    "517b8917cc01cabd107d06859854ee8b4f9861c226d3764c87339ab16c3667d2f49384e55456dd40414b70a6af841585",
    "f4c90c68725d57704ee8ee7ce6e2f9be582dbee985e038ffc346ebfb4e22158b6c84374a9ab4a44e1f91de5aac5197f8",
    "9bc5e5442f51f9a5937b102ba3beaebf6e1c58380a4a5fedce4a4e5026f88f528f59ffd2db41752b3a3d90efabe46389",
    "9b7d40870c530c8841e8712b733668ed033adbfafb2d49d37a44d4064e5863eb0af0a08d47b3cc888373bc05f7a33b84",
    "1bc2587c57eb69554e8a3767b7506917b6b70498727f16eac1a36ec8d8cfaf751549f2277db277e8a55a9a5106b23a02",
    "06b4721fa9b3048552c5bd5b594d6e247f38c18c591aea7f56249c72ce7b117afcc3a8621582f9cf71787e183dee0936",
    "7976e98409ad9217a497df888042384d7707a6b78f5f7fb8409e3b535175373461b776002d799cbad62860be70573ecb",
    "e13b246e0da7e93a52168e0fb6a9756b895ef7f0147a0dc81bfa644b088a9228160c0f9acf1379a2941cd28c06ebc80e",
    "44e17aa2f8177010afd78a97ce0868d1629ebb294c5151812c583daeb88685220f4da9118112e07041fcc24d5564a99f",
    "dbde28869fe0722387d7a9a4d16e1cc8555917e09944aa5ebaaaec2cf62693afad42a3f518fce67d273cc6c9fb5472b3",
    "80e8573ec7de06a3ba2fd5f931d725b493026cb0acbd3fe62d00e4c790d965d7a03a3c0b4222ba8c2a9a16e2ac658f57",
    "2ae0e746eafc4feba023576f08942278a041fb82a70a595d5bacbf297ce2029898a71e5c3b0d1c6228b485b1ade509b3",
    "5fbca7eca97b2132e7cb6bc465375146b7dceac969308ac0c2ac89e7863eb8943015b24314cafb9c7c0e85fe543d5665",
    "8c213632599efabfc1ec49dd8c88547bb2cc40c9d38cbd3099b4547840560531d0188cd1e9c23a0ebee0a03d5577d66b",
    "1d2bcb4baaf21cc7fef1e03806ca96299df0dfbc56e1b2b43e4fc20c37f834c4af62127e7dae86c3c25a2f696ac8b589",
    "dec71d595bfbe94b5ed4bc07d800b330796fda89edb77be0294136139354eb8cd37591578f9c600dd9be8ec6219fdd50",
    "7adf3397ed4d68707b8d13b24ce4cd8fb22851bfe9d632407f31ed6f7cb1600de56f17576740ce2a32fc5145030145cf",
    "b97e63e0e41d354274a079d3e6fb2e15",
  ].join(""),
);

// Appendix A.5 of draft-ietf-hpke-pq-05 and -04: ikmR, skRm, and how pkRm begins
const DERIVED = [
  [
    "c8575d137deab99ac98fb0873048c83c3a1f47ef5b409f609c0ca652f58c83e0",
    "b6bfa0299b955e85224df2e468f29eeab377ff3b96d4462b39447a22d32b91be",
    "d3d102410970b8bab2984008669914490c95dea2c2ae331ca229aaf3609a6d5a",
  ],
  [
    "b86e76a59fabfc87b30cd7b1f7aaa28a834eb64e7a261c197b9a842893fbce56",
    "3ec47fa82dd5689d27c6190e724c74ec8f608df3331ce331929e37b829676630",
    "f5fb01a5db909ac907ecc9524de9b9eaf4997dac7d22c961267c964403825160",
  ],
] as const;

function flipped(bytes: Bytes): Bytes {
  const changed = copyOf(bytes);
  const last = changed.length - 1;
  changed[last] = (changed[last] ?? 0) ^ 1;
  return changed;
}

test("the engine has all suites of the registry and the hybrid one", () => {
  assert.deepEqual([...supportedSuites()].sort((one, other) => one - other), ALL);
  assert.throws(() => cipherSuite(8), UnsupportedSuite);
});

test("an X-Wing key is expanded, and a ciphertext opened, as published", async () => {
  const key = asHpkePrivateKey(unhex(SEED));

  const publicKey = await MLKEM768_X25519.publicKeyOf(key);

  assert.equal(publicKey.length, 1216);
  assert(hex(publicKey).endsWith(PUBLIC_KEY_END));
  assert.equal(hex(await MLKEM768_X25519.decapsulate(key, CIPHERTEXT)), SHARED_SECRET);
});

test("an X-Wing key pair is derived as published", async () => {
  for (const [ikm, secretKey, publicKeyBegin] of DERIVED) {
    const pair = await MLKEM768_X25519.deriveKeyPair(asSecret(unhex(ikm)));

    assert.equal(hex(pair.private), secretKey);
    assert(hex(pair.public).startsWith(publicKeyBegin));
  }
});

test("an ML-KEM key with a coefficient that is not reduced is refused", async () => {
  const { public: good } = await MLKEM768_X25519.generateKeyPair();
  await MLKEM768_X25519.checkPublicKey(good);
  const bad = concat(Uint8Array.of(0xff, 0xff, 0xff), good.subarray(3));

  await assert.rejects(MLKEM768_X25519.checkPublicKey(bad), InvalidKey);
  await assert.rejects(MLKEM768_X25519.encapsulate(bad), InvalidKey);
});

const PRIMES = new Map([
  [32, 2n ** 255n - 19n],
  [56, 2n ** 448n - 2n ** 224n - 1n],
]);
const ORDER_8_25519 = [
  325606250916557431795983626356110631294008115727848805560023387167927233504n,
  39382357235489614581723060781553021112529911719440698176882885853963445705823n,
];

function littleEndian(value: bigint, size: number): Bytes {
  return Uint8Array.from({ length: size }, (_, index) => Number((value >> BigInt(8 * index)) & 0xffn));
}

for (const [number, size] of [[1, 32], [3, 32], [4, 56], [6, 56], [0xf04e, 32]] as const) {
  test(`suite 0x${number.toString(16)}: points of low order are refused`, async () => {
    const { kem } = cipherSuite(number).hpke;
    const { public: good } = await kem.generateKeyPair();
    await kem.checkPublicKey(good);
    const prime = PRIMES.get(size) ?? 0n;
    const points = [0n, 1n, prime - 1n, prime, prime + 1n, ...(size === 32 ? ORDER_8_25519 : [])];
    const unused = size === 32 ? points.map((point) => point + 2n ** 255n) : []; // X25519 passes over the highest bit

    for (const point of [...points, ...unused]) {
      const low = concat(good.subarray(0, good.length - size), littleEndian(point, size));
      await assert.rejects(kem.checkPublicKey(low), InvalidKey);
      await assert.rejects(kem.encapsulate(low), InvalidKey);
    }
  });
}

for (const number of ALL) {
  const name = `suite 0x${number.toString(16)}`;
  const { hpke, signature } = cipherSuite(number);

  test(`${name}: a seed gives the same keys every time`, async () => {
    const [a, b] = [utf8("a".repeat(32)), utf8("b".repeat(32))];
    const [first, second, other] = [await hpke.kem.deriveKeyPair(a), await hpke.kem.deriveKeyPair(a), await hpke.kem.deriveKeyPair(b)];

    assert.deepEqual(first, second);
    assert.notEqual(hex(first.private), hex(other.private));
    assert(sameBytes(await hpke.kem.publicKeyOf(first.private), first.public));
  });

  test(`${name}: what is sealed opens, and nothing that was changed`, async () => {
    const pair = await hpke.kem.generateKeyPair();
    const sealed = await hpke.seal(pair.public, utf8("info"), NOTHING, utf8("hello"));
    assert.equal(hex(await hpke.open(pair.private, sealed, utf8("info"), NOTHING)), hex(utf8("hello")));

    const spoiled = [
      HPKECiphertext.of({ ...sealed, ciphertext: flipped(sealed.ciphertext) }),
      HPKECiphertext.of({ ...sealed, kemOutput: flipped(sealed.kemOutput) }),
      ...[0, 1, 32, 56, 1120].map((size) => HPKECiphertext.of({ ...sealed, kemOutput: new Uint8Array(size) })),
    ];
    for (const each of spoiled) {
      await assert.rejects(hpke.open(pair.private, each, utf8("info"), NOTHING), DecryptionFailed);
    }
    await assert.rejects(hpke.open(pair.private, sealed, utf8("other"), NOTHING), DecryptionFailed);
    await assert.rejects(hpke.open(pair.private, sealed, utf8("info"), utf8("x")), DecryptionFailed);
  });

  test(`${name}: what is sealed to many under one info opens for each of them alone`, async () => {
    const pairs = [await hpke.kem.generateKeyPair(), await hpke.kem.generateKeyPair()];
    const seal = hpke.sealer(utf8("info"));

    for (const { public: key, private: own } of pairs) {
      const sealed = await seal(key, utf8("aad"), utf8("hello"));

      assert.equal(hex(await hpke.open(own, sealed, utf8("info"), utf8("aad"))), hex(utf8("hello")));
      const others = pairs.filter((pair) => pair.private !== own);
      for (const other of others) {
        await assert.rejects(hpke.open(other.private, sealed, utf8("info"), utf8("aad")), DecryptionFailed);
      }
    }
  });

  test(`${name}: both sides export the same secret`, async () => {
    const pair = await hpke.kem.generateKeyPair();
    const sent = await hpke.exportTo(pair.public, NOTHING, "label", 32);

    const found = await hpke.exportFrom(pair.private, sent.kemOutput, NOTHING, "label", 32);

    assert.equal(hex(found), hex(sent.secret));
  });

  test(`${name}: bytes that are no key are refused`, async () => {
    for (const size of [0, 1, 31, 33, 65, 1215, 1217]) {
      await assert.rejects(hpke.seal(new Uint8Array(size), NOTHING, NOTHING, utf8("x")), InvalidKey);
      await assert.rejects(hpke.kem.checkPublicKey(new Uint8Array(size)), InvalidKey);
    }
    await assert.rejects(hpke.kem.publicKeyOf(asHpkePrivateKey(NOTHING)), MLSError);
    await assert.rejects(signature.publicKeyOf(asSignaturePrivateKey(NOTHING)), InvalidKey);
    await assert.rejects(signature.verify(utf8("no key"), NOTHING, NOTHING), InvalidKey);
  });

  test(`${name}: a signature is its key's over its bytes`, async () => {
    const [key, other] = [await signature.generate(), await signature.generate()];
    const [publicKey, data] = [await signature.publicKeyOf(key), utf8("data")];
    const signed = await signature.sign(key, data);
    await signature.checkPublicKey(publicKey);
    await signature.verify(publicKey, signed, data);

    await assert.rejects(signature.verify(publicKey, signed, utf8("date")), InvalidSignature);
    await assert.rejects(signature.verify(publicKey, flipped(signed), data), InvalidSignature);
    await assert.rejects(signature.verify(publicKey, concat(signed, NOTHING, Uint8Array.of(0)), data), InvalidSignature);
    await assert.rejects(signature.verify(publicKey, NOTHING, data), InvalidSignature);
    await assert.rejects(signature.verify(await signature.publicKeyOf(other), signed, data), InvalidSignature);
  });
}

for (const number of [1, 3, 4, 6]) {
  test(`suite ${number}: a point of low order is refused`, async () => {
    const { kem } = cipherSuite(number).hpke;
    const { public: good } = await kem.generateKeyPair();

    await assert.rejects(kem.encapsulate(new Uint8Array(good.length)), InvalidKey);
  });
}

for (const number of [2, 5, 7]) {
  test(`suite ${number}: compressed points are refused`, async () => {
    const { kem } = cipherSuite(number).hpke;
    const { public: good } = await kem.generateKeyPair();
    const size = (good.length - 1) / 2;
    const parity = (good.at(-1) ?? 0) % 2;

    await assert.rejects(kem.checkPublicKey(concat(Uint8Array.of(2 + parity), good.subarray(1, size + 1))), InvalidKey);
  });
}

for (const [number, size] of [[1, 32], [4, 57]] as const) {
  test(`suite ${number}: no key and no signature has a point of low order`, async () => {
    const { signature } = cipherSuite(number);
    const key = await signature.generate();
    const [mine, data] = [await signature.publicKeyOf(key), utf8("hello")];
    const good = await signature.sign(key, data);
    await signature.checkPublicKey(mine);
    await signature.verify(mine, good, data);

    // The neutral point, which signs whatever one likes, and one of order four
    for (const point of [concat(Uint8Array.of(1), new Uint8Array(size - 1)), new Uint8Array(size).with(size - 1, 0x80)]) {
      await assert.rejects(signature.checkPublicKey(point), InvalidKey);
      await assert.rejects(signature.verify(point, concat(point, new Uint8Array(size)), data), InvalidKey);
      await assert.rejects(signature.verify(mine, concat(point, good.subarray(size)), data), InvalidSignature);
    }
  });
}

test("the forms of a coordinate are all there are", () => {
  assert.deepEqual([...formsOf([0n, 3n], 5n, { bits: 7, size: 1 })].map((form) => form.charCodeAt(0)).sort((one, other) => one - other), [0, 3, 5, 8, 128, 131, 133, 136]);
});

test("HKDF gives as much as was asked for, block after block", () => {
  // RFC 5869, test case 2
  const range = (start: number) => Uint8Array.from({ length: 80 }, (_, index) => start + index);
  const prk = SHA256.extract(range(0x60), range(0x00));

  const output = SHA256.expand(prk, range(0xb0), 82);

  assert(hex(output).startsWith("b11e398dc80327a1c8e7f78c596a4934"));
  assert(hex(output).endsWith("cc30c58179ec3e87c14c01d5c1f3434f1d87"));
  assert.throws(() => SHA256.expand(prk, NOTHING, 255 * 32 + 1), MLSError);
  assert.equal(hex(SHA256.digest(NOTHING)), hex(sha256(NOTHING)));
});
