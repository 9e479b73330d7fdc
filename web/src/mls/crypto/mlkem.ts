// ML-KEM-768 (FIPS 203): sealing and opening by WebCrypto where it can, else by noble.

import { ml_kem768 } from "@noble/post-quantum/ml-kem.js";
import { type Bytes, copyOf, sameBytes } from "../../bytes.ts";
import { InvalidKey } from "../errors.ts";
import { wipe } from "./secrets.ts";

export const MLKEM_SEED_SIZE = 64;
export const MLKEM_PUBLIC_SIZE = 1184;
export const MLKEM_CIPHERTEXT_SIZE = 1088;

const MODULUS = 3329;
const COEFFICIENTS_SIZE = 1152;
const NAME = "ML-KEM-768";

export interface MlKemShared {
  readonly secret: Bytes;
  readonly ciphertext: Bytes;
}

/** A private key is its seed of 64 bytes. */
export interface MlKem {
  encapsulate(key: Bytes): Promise<MlKemShared>;
  decapsulate(seed: Bytes, ciphertext: Bytes): Promise<Bytes>;
}

export function mlKemPublicKeyOf(seed: Uint8Array): Bytes {
  const { publicKey, secretKey } = ml_kem768.keygen(seed);
  wipe(secretKey);
  return copyOf(publicKey);
}

/** FIPS 203 section 7.2: the right length, and every coefficient reduced. */
export function checkMlKemPublicKey(key: Uint8Array): void {
  if (key.length !== MLKEM_PUBLIC_SIZE) throw new InvalidKey();
  for (let index = 0; index < COEFFICIENTS_SIZE; index += 3) {
    const [a = 0, b = 0, c = 0] = key.subarray(index, index + 3);
    if ((a | ((b & 0x0f) << 8)) >= MODULUS || ((b >> 4) | (c << 4)) >= MODULUS) throw new InvalidKey();
  }
}

export const NOBLE: MlKem = {
  async encapsulate(key) {
    const { sharedSecret, cipherText } = ml_kem768.encapsulate(key);
    return { secret: copyOf(sharedSecret), ciphertext: copyOf(cipherText) };
  },
  async decapsulate(seed, ciphertext) {
    const { secretKey } = ml_kem768.keygen(seed);
    const secret = copyOf(ml_kem768.decapsulate(ciphertext, secretKey));
    wipe(secretKey);
    return secret;
  },
};

/** What WICG's modern algorithms add to WebCrypto, and TypeScript does not know yet. */
interface WithMlKem {
  importKey(
    format: "raw-public" | "raw-seed",
    data: Bytes,
    name: string,
    isExtractable: boolean,
    usages: readonly string[],
  ): Promise<CryptoKey>;
  encapsulateBits(name: string, key: CryptoKey): Promise<{ sharedKey: ArrayBuffer; ciphertext: ArrayBuffer }>;
  decapsulateBits(name: string, key: CryptoKey, ciphertext: Bytes): Promise<ArrayBuffer>;
}

const subtle = (): WithMlKem => crypto.subtle as unknown as WithMlKem;

export const NATIVE: MlKem = {
  async encapsulate(key) {
    const imported = await subtle().importKey("raw-public", key, NAME, false, ["encapsulateBits"]);
    const { sharedKey, ciphertext } = await subtle().encapsulateBits(NAME, imported);
    return { secret: new Uint8Array(sharedKey), ciphertext: new Uint8Array(ciphertext) };
  },
  async decapsulate(seed, ciphertext) {
    const imported = await subtle().importKey("raw-seed", seed, NAME, false, ["decapsulateBits"]);
    return new Uint8Array(await subtle().decapsulateBits(NAME, imported, ciphertext));
  },
};

let chosen: Promise<MlKem> | null = null;

/** WebCrypto's, if it is there and agrees with noble about a key; asked once. */
export function mlKem(): Promise<MlKem> {
  chosen ??= isNativeGood().then((isGood) => (isGood ? NATIVE : NOBLE));
  return chosen;
}

async function isNativeGood(): Promise<boolean> {
  const seed = new Uint8Array(MLKEM_SEED_SIZE);
  const key = mlKemPublicKeyOf(seed);
  try {
    const [fromNative, fromNoble] = [await NATIVE.encapsulate(key), await NOBLE.encapsulate(key)];
    return (
      sameBytes(await NOBLE.decapsulate(seed, fromNative.ciphertext), fromNative.secret) &&
      sameBytes(await NATIVE.decapsulate(seed, fromNoble.ciphertext), fromNoble.secret)
    );
  } catch {
    return false; // not there, or of an older draft: noble does the same, only slower
  }
}
