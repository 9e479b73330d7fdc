// The signature schemes of the suites, over the byte forms of RFC 9420 section 5.1.1.

import { type Bytes, concat, randomBytes } from "../../bytes.ts";
import { keyOf } from "../bytes_sets.ts";
import { InvalidKey, InvalidSignature } from "../errors.ts";
import { LOW_ORDER_ED25519 } from "./low_order.ts";
import { type NistGroup, P256, P384, P521, nistPrivateKey, nistPublicBytes, nistPublicKey, toBytes, toNumber } from "./nist.ts";
import { coordinate, der, onceFor, orInvalidKey, rfc8410 } from "./pkcs8.ts";
import { type SignaturePrivateKey, asSignaturePrivateKey, wipe } from "./secrets.ts";

/** Sign and verify with keys in the form in which they travel. */
export interface SignatureScheme {
  generate(): Promise<SignaturePrivateKey>;
  publicKeyOf(key: SignaturePrivateKey): Promise<Bytes>;
  /** Rejects with `InvalidKey`. */
  checkPublicKey(key: Bytes): Promise<void>;
  sign(key: SignaturePrivateKey, data: Bytes): Promise<Bytes>;
  /** Rejects with `InvalidSignature` or `InvalidKey`. */
  verify(key: Bytes, signature: Bytes, data: Bytes): Promise<void>;
}

const NOTHING = new Uint8Array(0);
const ED25519_SIZE = 32;
const ED25519_OID = Uint8Array.of(0x06, 0x03, 0x2b, 0x65, 0x70);

const ed25519Private = onceFor(async (key) => {
  if (key.length !== ED25519_SIZE) throw new InvalidKey();
  const pkcs8 = rfc8410(ED25519_OID, key);
  const imported = await orInvalidKey(crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", true, ["sign"]));
  wipe(pkcs8);
  return imported;
});

const ed25519Public = onceFor(async (key) => {
  if (key.length !== ED25519_SIZE) throw new InvalidKey();
  return orInvalidKey(crypto.subtle.importKey("raw", key, "Ed25519", false, ["verify"]));
});

/**
 * Refuses points of low order in the key and in the signature.
 *
 * With such a point anything may pass; and as some implementations take what others refuse, one
 * member could make the others disagree. So nobody takes it.
 */
export function checkPoints(lowOrder: ReadonlySet<string>, key: Bytes, signature: Bytes): void {
  if (lowOrder.has(keyOf(key))) throw new InvalidKey();
  if (lowOrder.has(keyOf(signature.subarray(0, key.length)))) throw new InvalidSignature();
}

/** Ed25519 (RFC 8032). */
export const ED25519: SignatureScheme = {
  generate: async () => asSignaturePrivateKey(randomBytes(ED25519_SIZE)),
  async publicKeyOf(key) {
    const { x } = await crypto.subtle.exportKey("jwk", await ed25519Private(key));
    return coordinate(x);
  },
  async checkPublicKey(key) {
    await ed25519Public(key);
    checkPoints(LOW_ORDER_ED25519, key, NOTHING);
  },
  async sign(key, data) {
    return new Uint8Array(await crypto.subtle.sign("Ed25519", await ed25519Private(key), data));
  },
  async verify(key, signature, data) {
    const imported = await ed25519Public(key);
    checkPoints(LOW_ORDER_ED25519, key, signature);
    if (!(await crypto.subtle.verify("Ed25519", imported, signature, data))) throw new InvalidSignature();
  },
};

const SEQUENCE = 0x30;
const INTEGER = 0x02;

/** ECDSA with DER signatures and uncompressed public keys. */
export function ecdsa(group: NistGroup, hash: string): SignatureScheme {
  const algorithm = { name: "ECDSA", hash };
  return {
    async generate() {
      const usages: KeyUsage[] = ["sign", "verify"];
      const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: group.name }, true, usages);
      const { d } = await crypto.subtle.exportKey("jwk", pair.privateKey);
      return asSignaturePrivateKey(coordinate(d));
    },
    publicKeyOf: async (key) => nistPublicBytes(await nistPrivateKey(group, "ECDSA", key)),
    async checkPublicKey(key) {
      await nistPublicKey(group, "ECDSA", key);
    },
    async sign(key, data) {
      const raw = await crypto.subtle.sign(algorithm, await nistPrivateKey(group, "ECDSA", key), data);
      return toDer(new Uint8Array(raw));
    },
    async verify(key, signature, data) {
      const imported = await nistPublicKey(group, "ECDSA", key);
      const raw = fromDer(signature, group);
      if (!(await crypto.subtle.verify(algorithm, imported, raw, data))) throw new InvalidSignature();
    },
  };
}

/** WebCrypto writes the two numbers bare; MLS wants them in DER. */
function toDer(raw: Bytes): Bytes {
  const middle = raw.length / 2;
  return der(SEQUENCE, derInteger(raw.subarray(0, middle)), derInteger(raw.subarray(middle)));
}

function derInteger(bytes: Uint8Array): Bytes {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start += 1;
  const digits = bytes.subarray(start);
  const needsSign = (digits[0] ?? 0) >= 0x80;
  return der(INTEGER, needsSign ? concat(Uint8Array.of(0), digits) : digits);
}

/** Strictly what `toDer` writes: any other form of the same numbers is no signature. */
function fromDer(signature: Bytes, group: NistGroup): Bytes {
  const long = signature[1] === 0x81;
  const first = readInteger(signature, long ? 3 : 2);
  const second = readInteger(signature, first.end);
  const numbers = [first.value, second.value];
  if (numbers.some((value) => value >= group.order)) throw new InvalidSignature();
  const raw = concat(...numbers.map((value) => toBytes(value, group.size)));
  const again = toDer(raw);
  if (again.length !== signature.length || again.some((byte, index) => byte !== signature[index])) {
    throw new InvalidSignature();
  }
  return raw;
}

function readInteger(bytes: Bytes, start: number): { value: bigint; end: number } {
  const length = bytes[start + 1];
  if (bytes[start] !== INTEGER || length === undefined || start + 2 + length > bytes.length) {
    throw new InvalidSignature();
  }
  const end = start + 2 + length;
  return { value: toNumber(bytes.subarray(start + 2, end)), end };
}

export const ECDSA_P256 = ecdsa(P256, "SHA-256");
export const ECDSA_P384 = ecdsa(P384, "SHA-384");
export const ECDSA_P521 = ecdsa(P521, "SHA-512");
