// Secrets are types of their own, made on purpose, compared in constant time, wiped when they can be.

import { type Bytes, randomBytes } from "../../bytes.ts";
import { type Codec, opaque } from "../codec.ts";

declare const mark: unique symbol;

/** Bytes that must not be seen. */
export type Secret = Bytes & { readonly [mark]: true };

declare const hpkeMark: unique symbol;
/** The private half of an HPKE key, in the form of the KEM's SerializePrivateKey. */
export type HpkePrivateKey = Secret & { readonly [hpkeMark]: true };

declare const signatureMark: unique symbol;
/** The private half of a signature key: the integer of ECDSA, the seed of EdDSA. */
export type SignaturePrivateKey = Secret & { readonly [signatureMark]: true };

// The marks exist for the compiler only, so these three casts are where secrets are made.

export function asSecret(bytes: Uint8Array): Secret {
  return bytes as Secret;
}

export function asHpkePrivateKey(bytes: Uint8Array): HpkePrivateKey {
  return bytes as HpkePrivateKey;
}

export function asSignaturePrivateKey(bytes: Uint8Array): SignaturePrivateKey {
  return bytes as SignaturePrivateKey;
}

function secretCodec<S extends Secret>(make: (bytes: Uint8Array) => S): Codec<S> {
  return { write: opaque.write, read: (reader) => make(reader.opaque()) };
}

export const secret = secretCodec(asSecret);
export const hpkePrivateKey = secretCodec(asHpkePrivateKey);
export const signaturePrivateKey = secretCodec(asSignaturePrivateKey);

export function randomSecret(size: number): Secret {
  return asSecret(randomBytes(size));
}

/** Overwrite what nobody will read again. A moving collector may have left copies behind. */
export function wipe(...secrets: readonly Uint8Array[]): void {
  for (const each of secrets) each.fill(0);
}
