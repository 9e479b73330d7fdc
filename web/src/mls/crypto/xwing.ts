// X-Wing: ML-KEM-768 and X25519 in one KEM (draft-connolly-cfrg-xwing-kem, draft-ietf-hpke-pq).

import { sha3_256, shake256 } from "@noble/hashes/sha3.js";
import { type Bytes, concat, copyOf, randomBytes, utf8 } from "../../bytes.ts";
import { encodeUint } from "../codec.ts";
import { DecryptionFailed, InvalidKey } from "../errors.ts";
import { type Encapsulated, type Kem, type KeyPair, X25519, checkX25519, orDecryptionFailed } from "./kem.ts";
import {
  MLKEM_CIPHERTEXT_SIZE,
  MLKEM_PUBLIC_SIZE,
  MLKEM_SEED_SIZE,
  checkMlKemPublicKey,
  mlKem,
  mlKemPublicKeyOf,
} from "./mlkem.ts";
import { type HpkePrivateKey, type Secret, asHpkePrivateKey, asSecret, wipe } from "./secrets.ts";

const LABEL = Uint8Array.of(0x5c, 0x2e, 0x2f, 0x2f, 0x5e, 0x5c);
const SEED_SIZE = 32;
const X25519_SIZE = 32;

/** The two private keys that a 32-byte X-Wing secret key stands for. */
interface Expanded {
  readonly mlkemSeed: Bytes;
  readonly x25519: Bytes;
}

function expanded(seed: Bytes): Expanded {
  if (seed.length !== SEED_SIZE) throw new InvalidKey();
  const both = shake256(seed, { dkLen: MLKEM_SEED_SIZE + X25519_SIZE });
  const keys = { mlkemSeed: copyOf(both.subarray(0, MLKEM_SEED_SIZE)), x25519: copyOf(both.subarray(MLKEM_SEED_SIZE)) };
  wipe(both);
  return keys;
}

async function publicOf(seed: Bytes): Promise<Bytes> {
  const keys = expanded(seed);
  const whole = concat(mlKemPublicKeyOf(keys.mlkemSeed), await X25519.publicOf(keys.x25519));
  wipe(keys.mlkemSeed, keys.x25519);
  return whole;
}

const HPKE_ID = 0x647a;
const DERIVE_KEY_PAIR = utf8("DeriveKeyPair");
const DERIVATION = concat(
  utf8("HPKE-v1"),
  utf8("KEM"),
  encodeUint(HPKE_ID, 2),
  encodeUint(DERIVE_KEY_PAIR.length, 2),
  DERIVE_KEY_PAIR,
  encodeUint(SEED_SIZE, 2),
);

async function keyPairOf(seed: Uint8Array): Promise<KeyPair> {
  const key = asHpkePrivateKey(seed);
  return { private: key, public: await publicOf(key) };
}

/** The KEM as HPKE sees it. */
export const MLKEM768_X25519: Kem = {
  hpkeId: HPKE_ID,

  /** LabeledDerive of draft-ietf-hpke-pq with SHAKE256, label "DeriveKeyPair". */
  deriveKeyPair: (seed) => keyPairOf(copyOf(shake256(concat(seed, DERIVATION), { dkLen: SEED_SIZE }))),

  generateKeyPair: () => keyPairOf(randomBytes(SEED_SIZE)),

  async checkPublicKey(key) {
    checkPublic(key);
  },

  publicKeyOf: publicOf,

  async encapsulate(key): Promise<Encapsulated> {
    checkPublic(key);
    const x25519 = key.slice(MLKEM_PUBLIC_SIZE);
    const inner = await (await mlKem()).encapsulate(key.slice(0, MLKEM_PUBLIC_SIZE));
    const ephemeral = await X25519.ephemeral();
    const output = ephemeral.public;
    const shared = await ephemeral.exchange(x25519);
    const secret = combine(inner.secret, shared, output, x25519);
    wipe(inner.secret, shared);
    return { secret, output: concat(inner.ciphertext, output) };
  },

  async decapsulate(key: HpkePrivateKey, output: Bytes): Promise<Secret> {
    if (output.length !== MLKEM_CIPHERTEXT_SIZE + X25519_SIZE) throw new DecryptionFailed();
    const keys = expanded(key);
    const ephemeral = output.slice(MLKEM_CIPHERTEXT_SIZE);
    const inner = await (await mlKem()).decapsulate(keys.mlkemSeed, output.slice(0, MLKEM_CIPHERTEXT_SIZE));
    const shared = await orDecryptionFailed(X25519.exchange(keys.x25519, ephemeral));
    const secret = combine(inner, shared, ephemeral, await X25519.publicOf(keys.x25519));
    wipe(inner, shared, keys.mlkemSeed, keys.x25519);
    return secret;
  },
};

function combine(mlkem: Uint8Array, x25519: Bytes, ciphertext: Bytes, key: Bytes): Secret {
  return asSecret(sha3_256(concat(mlkem, x25519, ciphertext, key, LABEL)));
}

function checkPublic(key: Bytes): void {
  if (key.length !== MLKEM_PUBLIC_SIZE + X25519_SIZE) throw new InvalidKey();
  checkX25519(key.subarray(MLKEM_PUBLIC_SIZE));
  checkMlKemPublicKey(key.subarray(0, MLKEM_PUBLIC_SIZE));
}
