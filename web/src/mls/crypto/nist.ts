// P-256, P-384 and P-521, for key exchange and for signatures.

import { type Bytes, concat } from "../../bytes.ts";
import { InvalidKey } from "../errors.ts";
import { coordinate, orInvalidKey, rfc5915 } from "./pkcs8.ts";

export const UNCOMPRESSED = 0x04;

export type NistUse = "ECDH" | "ECDSA";

/** One curve and how WebCrypto calls it. */
export interface NistGroup {
  readonly name: "P-256" | "P-384" | "P-521";
  readonly size: number;
  readonly order: bigint;
  readonly oid: Bytes;
}

const ORDER_256 = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const ORDER_384 =
  0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n;
const ORDER_521 =
  0x1fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n;

const P256_OID = Uint8Array.of(0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07);
const P384_OID = Uint8Array.of(0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22);
const P521_OID = Uint8Array.of(0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23);

export const P256: NistGroup = { name: "P-256", size: 32, order: ORDER_256, oid: P256_OID };
export const P384: NistGroup = { name: "P-384", size: 48, order: ORDER_384, oid: P384_OID };
export const P521: NistGroup = { name: "P-521", size: 66, order: ORDER_521, oid: P521_OID };

export function toNumber(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return value;
}

export function toBytes(value: bigint, size: number): Bytes {
  const bytes = new Uint8Array(size);
  let rest = value;
  for (let index = size - 1; index >= 0; index -= 1, rest >>= 8n) bytes[index] = Number(rest & 0xffn);
  return bytes;
}

/** Read an uncompressed point, the only form MLS allows (RFC 9420 section 5.1.1). */
export function nistPublicKey(group: NistGroup, use: NistUse, bytes: Bytes): Promise<CryptoKey> {
  if (bytes[0] !== UNCOMPRESSED) throw new InvalidKey();
  const algorithm = { name: use, namedCurve: group.name };
  const usages: KeyUsage[] = use === "ECDSA" ? ["verify"] : [];
  return orInvalidKey(crypto.subtle.importKey("raw", bytes, algorithm, true, usages));
}

export function nistPrivateKey(group: NistGroup, use: NistUse, bytes: Bytes): Promise<CryptoKey> {
  const number = toNumber(bytes);
  if (number === 0n || number >= group.order) throw new InvalidKey();
  const algorithm = { name: use, namedCurve: group.name };
  const usages: KeyUsage[] = use === "ECDSA" ? ["sign"] : ["deriveBits"];
  const encoded = rfc5915(group.oid, toBytes(number, group.size));
  return orInvalidKey(crypto.subtle.importKey("pkcs8", encoded, algorithm, true, usages));
}

/** The public half of a private key, uncompressed. */
export async function nistPublicBytes(key: CryptoKey): Promise<Bytes> {
  const { x, y } = await crypto.subtle.exportKey("jwk", key);
  return concat(Uint8Array.of(UNCOMPRESSED), coordinate(x), coordinate(y));
}
