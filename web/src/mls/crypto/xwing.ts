// X-Wing: ML-KEM-768 and X25519 in one KEM (draft-connolly-cfrg-xwing-kem, draft-ietf-hpke-pq).

import { sha3_256, shake256 } from "@noble/hashes/sha3.js";
import { ml_kem768 } from "@noble/post-quantum/ml-kem.js";
import { type Bytes, concat, copyOf, randomBytes, utf8 } from "../../bytes.ts";
import { encodeUint } from "../codec.ts";
import { DecryptionFailed, InvalidKey } from "../errors.ts";
import { type Encapsulated, type Kem, type KeyPair, X25519, orDecryptionFailed } from "./kem.ts";
import { type HpkePrivateKey, type Secret, asHpkePrivateKey, asSecret, wipe } from "./secrets.ts";

const LABEL = Uint8Array.of(0x5c, 0x2e, 0x2f, 0x2f, 0x5e, 0x5c);
const SEED_SIZE = 32;
const MLKEM_SEED_SIZE = 64;
const MLKEM_PUBLIC_SIZE = 1184;
const MLKEM_CIPHERTEXT_SIZE = 1088;
const X25519_SIZE = 32;
const MODULUS = 3329;
const COEFFICIENTS_SIZE = 1152;

/** The two private keys that a 32-byte X-Wing secret key stands for, and their public halves. */
interface Expanded {
  readonly mlkem: { readonly publicKey: Uint8Array; readonly secretKey: Uint8Array };
  readonly x25519: Bytes;
  readonly x25519Public: Bytes;
}

async function expanded(seed: Bytes): Promise<Expanded> {
  if (seed.length !== SEED_SIZE) throw new InvalidKey();
  const both = shake256(seed, { dkLen: MLKEM_SEED_SIZE + X25519_SIZE });
  const x25519 = copyOf(both.subarray(MLKEM_SEED_SIZE));
  const mlkem = ml_kem768.keygen(both.subarray(0, MLKEM_SEED_SIZE));
  wipe(both);
  return { mlkem, x25519, x25519Public: await X25519.publicOf(x25519) };
}

async function publicOf(seed: Bytes): Promise<Bytes> {
  const keys = await expanded(seed);
  wipe(keys.mlkem.secretKey, keys.x25519);
  return concat(keys.mlkem.publicKey, keys.x25519Public);
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
    const inner = ml_kem768.encapsulate(key.subarray(0, MLKEM_PUBLIC_SIZE));
    const ephemeral = randomBytes(X25519_SIZE);
    const [output, shared] = await Promise.all([X25519.publicOf(ephemeral), X25519.exchange(ephemeral, x25519)]);
    const secret = combine(inner.sharedSecret, shared, output, x25519);
    wipe(inner.sharedSecret, ephemeral, shared);
    return { secret, output: concat(inner.cipherText, output) };
  },

  async decapsulate(key: HpkePrivateKey, output: Bytes): Promise<Secret> {
    if (output.length !== MLKEM_CIPHERTEXT_SIZE + X25519_SIZE) throw new DecryptionFailed();
    const keys = await expanded(key);
    const ephemeral = output.slice(MLKEM_CIPHERTEXT_SIZE);
    const inner = ml_kem768.decapsulate(output.subarray(0, MLKEM_CIPHERTEXT_SIZE), keys.mlkem.secretKey);
    const shared = await orDecryptionFailed(X25519.exchange(keys.x25519, ephemeral));
    const secret = combine(inner, shared, ephemeral, keys.x25519Public);
    wipe(inner, shared, keys.mlkem.secretKey, keys.x25519);
    return secret;
  },
};

function combine(mlkem: Uint8Array, x25519: Bytes, ciphertext: Bytes, key: Bytes): Secret {
  return asSecret(sha3_256(concat(mlkem, x25519, ciphertext, key, LABEL)));
}

/** FIPS 203 section 7.2: the right length, and every coefficient reduced. */
function checkPublic(key: Bytes): void {
  if (key.length !== MLKEM_PUBLIC_SIZE + X25519_SIZE) throw new InvalidKey();
  for (let index = 0; index < COEFFICIENTS_SIZE; index += 3) {
    const [a = 0, b = 0, c = 0] = key.subarray(index, index + 3);
    if ((a | ((b & 0x0f) << 8)) >= MODULUS || ((b >> 4) | (c << 4)) >= MODULUS) throw new InvalidKey();
  }
}
