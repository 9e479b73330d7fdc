// Private keys in and out of WebCrypto, which takes no bare ones; and keys that it took already.

import { type Bytes, concat, fromBase64 } from "../../bytes.ts";
import { InvalidKey } from "../errors.ts";

const SEQUENCE = 0x30;
const INTEGER = 0x02;
const OCTETS = 0x04;

/** DER: a tag, a length and content. */
export function der(tag: number, ...content: readonly Uint8Array[]): Bytes {
  const body = concat(...content);
  const { length } = body;
  if (length < 0x80) return concat(Uint8Array.of(tag, length), body);
  if (length < 0x100) return concat(Uint8Array.of(tag, 0x81, length), body);
  return concat(Uint8Array.of(tag, 0x82, length >> 8, length & 0xff), body);
}

/** RFC 8410: an Ed25519 or X25519 key. */
export function rfc8410(oid: Uint8Array, raw: Uint8Array): Bytes {
  const algorithm = der(SEQUENCE, oid);
  return der(SEQUENCE, der(INTEGER, Uint8Array.of(0)), algorithm, der(OCTETS, der(OCTETS, raw)));
}

const EC_PUBLIC_KEY = Uint8Array.of(0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01);

/** RFC 5915: a key on a curve, without its public half. */
export function rfc5915(oid: Uint8Array, raw: Uint8Array): Bytes {
  const key = der(SEQUENCE, der(INTEGER, Uint8Array.of(1)), der(OCTETS, raw));
  const algorithm = der(SEQUENCE, EC_PUBLIC_KEY, oid);
  return der(SEQUENCE, der(INTEGER, Uint8Array.of(0)), algorithm, der(OCTETS, key));
}

/** What WebCrypto gives, or `InvalidKey` where it takes no such key. */
export async function orInvalidKey<T>(operation: Promise<T>): Promise<T> {
  try {
    return await operation;
  } catch {
    throw new InvalidKey();
  }
}

/** A coordinate or key out of a JSON Web Key. */
export function fromBase64Url(text: string): Bytes {
  return fromBase64(text.replaceAll("-", "+").replaceAll("_", "/"));
}

/** A coordinate of a key that WebCrypto exported as a JSON Web Key. */
export function coordinate(value: string | undefined): Bytes {
  if (value === undefined) throw new InvalidKey();
  return fromBase64Url(value);
}

type Import = (bytes: Bytes) => Promise<CryptoKey>;

/**
 * The same import, done once for as long as the bytes live.
 *
 * A leaf's key verifies every message of its member and an own key signs every message, so most
 * of the time would go into importing them again. Bytes of keys are never changed, only wiped when
 * nobody will use them again.
 */
export function onceFor(importKey: Import): Import {
  const known = new WeakMap<Bytes, Promise<CryptoKey>>();
  return (bytes) => {
    const found = known.get(bytes);
    if (found !== undefined) return found;
    const made = importKey(bytes);
    known.set(bytes, made);
    return made;
  };
}
