// The key encapsulation mechanisms of HPKE (RFC 9180 section 4 and 7.1).

import { type Bytes, concat, randomBytes, utf8 } from "../../bytes.ts";
import { keyOf } from "../bytes_sets.ts";
import { encodeUint } from "../codec.ts";
import { DecryptionFailed, InvalidKey } from "../errors.ts";
import { generatePair } from "./generate.ts";
import { type Hash, SHA256, SHA384, SHA512 } from "./hash.ts";
import { LOW_ORDER_X25519 } from "./low_order.ts";
import { type NistGroup, P256, P384, P521, nistPrivateKey, nistPublicBytes, nistPublicKey, toNumber } from "./nist.ts";
import { coordinate, onceFor, orInvalidKey, rfc8410 } from "./pkcs8.ts";
import { type HpkePrivateKey, type Secret, asHpkePrivateKey, wipe } from "./secrets.ts";

/** Both halves of an HPKE key. */
export interface KeyPair {
  readonly private: HpkePrivateKey;
  readonly public: Bytes;
}

/** A fresh shared secret and what its owner needs to find it. */
export interface Encapsulated {
  readonly secret: Secret;
  readonly output: Bytes;
}

/** What HPKE asks of a KEM. */
export interface Kem {
  readonly hpkeId: number;
  deriveKeyPair(seed: Bytes): Promise<KeyPair>;
  generateKeyPair(): Promise<KeyPair>;
  /** Rejects with `InvalidKey`. */
  checkPublicKey(key: Bytes): Promise<void>;
  publicKeyOf(key: HpkePrivateKey): Promise<Bytes>;
  encapsulate(key: Bytes): Promise<Encapsulated>;
  decapsulate(key: HpkePrivateKey, output: Bytes): Promise<Secret>;
}

export type Expand = (label: string, info: Uint8Array, length: number) => Secret;

/** A key pair for one exchange. */
export interface Ephemeral {
  readonly public: Bytes;
  exchange(peer: Bytes): Promise<Bytes>;
}

/** Diffie-Hellman on one curve, over bytes. */
export interface Curve {
  readonly privateSize: number;
  checkPublic(key: Bytes): Promise<void>;
  publicOf(key: Bytes): Promise<Bytes>;
  exchange(key: Bytes, peer: Bytes): Promise<Bytes>;
  /** A key for one exchange, whose private half nobody sees. */
  ephemeral(): Promise<Ephemeral>;
  derivePrivate(expand: Expand): Bytes;
}

const NOTHING = new Uint8Array(0);
const X25519_SIZE = 32;
const X25519_OID = Uint8Array.of(0x06, 0x03, 0x2b, 0x65, 0x6e);

const x25519Private = onceFor(async (key) => {
  if (key.length !== X25519_SIZE) throw new InvalidKey();
  const pkcs8 = rfc8410(X25519_OID, key);
  // Its three lowest bits count for nothing (RFC 7748 section 5), and WebKitGTK takes no key that begins with a zero byte.
  pkcs8.fill((key[0] ?? 0) | 1, -X25519_SIZE, 1 - X25519_SIZE);
  const imported = await orInvalidKey(crypto.subtle.importKey("pkcs8", pkcs8, "X25519", true, ["deriveBits"]));
  wipe(pkcs8);
  return imported;
});

const x25519Public = onceFor(async (key) => {
  if (key.length !== X25519_SIZE) throw new InvalidKey();
  return orInvalidKey(crypto.subtle.importKey("raw", key, "X25519", false, []));
});

/** X25519 (RFC 7748); an imported private key knows its public half. */
export const X25519: Curve = {
  privateSize: X25519_SIZE,
  async checkPublic(key) {
    checkX25519(key);
  },
  async publicOf(key) {
    const { x } = await crypto.subtle.exportKey("jwk", await x25519Private(key));
    return coordinate(x);
  },
  exchange: async (key, peer) => x25519Exchange(await x25519Private(key), peer),
  async ephemeral() {
    const pair = await generatePair("X25519", false, ["deriveBits"]);
    const key = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
    return { public: key, exchange: (peer) => x25519Exchange(pair.privateKey, peer) };
  },
  derivePrivate: (expand) => expand("sk", NOTHING, X25519_SIZE),
};

/** Exchanges refuse low order too, but then whoever commits next would be who fails. */
export function checkX25519(key: Uint8Array): void {
  if (key.length !== X25519_SIZE || LOW_ORDER_X25519.has(keyOf(key))) throw new InvalidKey();
}

async function x25519Exchange(own: CryptoKey, peer: Bytes): Promise<Bytes> {
  const algorithm = { name: "X25519", public: await x25519Public(peer) };
  const shared = new Uint8Array(await orInvalidKey(crypto.subtle.deriveBits(algorithm, own, 8 * X25519_SIZE)));
  if (isZero(shared)) throw new InvalidKey(); // the secret of a low-order point
  return shared;
}

function isZero(bytes: Uint8Array): boolean {
  let any = 0;
  for (const byte of bytes) any |= byte;
  return any === 0;
}

/** P-256, P-384 or P-521 with uncompressed points. */
export function nistCurve(group: NistGroup, firstByteMask: number): Curve {
  return {
    privateSize: group.size,
    async checkPublic(key) {
      await nistPublicKey(group, "ECDH", key);
    },
    publicOf: async (key) => nistPublicBytes(await nistPrivateKey(group, "ECDH", key)),
    exchange: async (key, peer) => nistExchange(group, await nistPrivateKey(group, "ECDH", key), peer),
    async ephemeral() {
      const algorithm = { name: "ECDH", namedCurve: group.name };
      const pair = await crypto.subtle.generateKey(algorithm, false, ["deriveBits"]);
      const key = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
      return { public: key, exchange: (peer) => nistExchange(group, pair.privateKey, peer) };
    },
    derivePrivate(expand) {
      for (let counter = 0; counter < 256; counter += 1) {
        const candidate = expand("candidate", Uint8Array.of(counter), group.size);
        candidate[0] = (candidate[0] ?? 0) & firstByteMask;
        const number = toNumber(candidate);
        if (number > 0n && number < group.order) return candidate;
      }
      throw new InvalidKey("no private key could be derived"); // odds below 2^-4000
    },
  };
}

async function nistExchange(group: NistGroup, own: CryptoKey, peer: Bytes): Promise<Bytes> {
  const algorithm = { name: "ECDH", public: await nistPublicKey(group, "ECDH", peer) };
  return new Uint8Array(await orInvalidKey(crypto.subtle.deriveBits(algorithm, own, 8 * group.size)));
}

const VERSION = utf8("HPKE-v1");

/** RFC 9180 section 4. */
export function labeledExtract(kdf: Hash, suiteId: Uint8Array, salt: Uint8Array, label: string, ikm: Uint8Array): Secret {
  return kdf.extract(salt, concat(VERSION, suiteId, utf8(label), ikm));
}

/** RFC 9180 section 4. */
export function labeledExpand(
  kdf: Hash,
  suiteId: Uint8Array,
  prk: Secret,
  label: string,
  info: Uint8Array,
  length: number,
): Secret {
  return kdf.expand(prk, concat(encodeUint(length, 2), VERSION, suiteId, utf8(label), info), length);
}

/** RFC 9180 section 4.1: a KEM from Diffie-Hellman. */
export class DhKem implements Kem {
  readonly suiteId: Bytes;

  constructor(
    readonly hpkeId: number,
    readonly curve: Curve,
    readonly kdf: Hash,
  ) {
    this.suiteId = concat(utf8("KEM"), encodeUint(hpkeId, 2));
  }

  async deriveKeyPair(seed: Bytes): Promise<KeyPair> {
    const prk = labeledExtract(this.kdf, this.suiteId, NOTHING, "dkp_prk", seed);
    const expand: Expand = (label, info, length) =>
      labeledExpand(this.kdf, this.suiteId, prk, label, info, length);
    const key = asHpkePrivateKey(this.curve.derivePrivate(expand));
    wipe(prk);
    return { private: key, public: await this.curve.publicOf(key) };
  }

  generateKeyPair(): Promise<KeyPair> {
    return this.deriveKeyPair(randomBytes(this.curve.privateSize));
  }

  checkPublicKey(key: Bytes): Promise<void> {
    return this.curve.checkPublic(key);
  }

  publicKeyOf(key: HpkePrivateKey): Promise<Bytes> {
    return this.curve.publicOf(key);
  }

  async encapsulate(key: Bytes): Promise<Encapsulated> {
    const ephemeral = await this.curve.ephemeral();
    const shared = await ephemeral.exchange(key);
    const secret = this.#derive(shared, concat(ephemeral.public, key));
    wipe(shared);
    return { secret, output: ephemeral.public };
  }

  async decapsulate(key: HpkePrivateKey, output: Bytes): Promise<Secret> {
    const shared = await orDecryptionFailed(this.curve.exchange(key, output));
    const secret = this.#derive(shared, concat(output, await this.curve.publicOf(key)));
    wipe(shared);
    return secret;
  }

  #derive(shared: Bytes, context: Bytes): Secret {
    const prk = labeledExtract(this.kdf, this.suiteId, NOTHING, "eae_prk", shared);
    const secret = labeledExpand(this.kdf, this.suiteId, prk, "shared_secret", context, this.kdf.size);
    wipe(prk);
    return secret;
  }
}

export async function orDecryptionFailed<T>(operation: Promise<T>): Promise<T> {
  try {
    return await operation;
  } catch (error) {
    if (error instanceof InvalidKey) throw new DecryptionFailed();
    throw error;
  }
}

export const DHKEM_X25519 = new DhKem(0x0020, X25519, SHA256);
export const DHKEM_P256 = new DhKem(0x0010, nistCurve(P256, 0xff), SHA256);
export const DHKEM_P384 = new DhKem(0x0011, nistCurve(P384, 0xff), SHA384);
export const DHKEM_P521 = new DhKem(0x0012, nistCurve(P521, 0x01), SHA512);
