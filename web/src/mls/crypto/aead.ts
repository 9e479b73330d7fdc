// The authenticated ciphers of the suites that WebCrypto has.

import type { Bytes } from "../../bytes.ts";
import { DecryptionFailed } from "../errors.ts";

/** One cipher; its key and nonce are always derived, never chosen. */
export interface Aead {
  readonly hpkeId: number;
  readonly keySize: number;
  readonly nonceSize: number;
  seal(key: Bytes, nonce: Bytes, aad: Bytes, plaintext: Bytes): Promise<Bytes>;
  /** Rejects with `DecryptionFailed`. */
  open(key: Bytes, nonce: Bytes, aad: Bytes, ciphertext: Bytes): Promise<Bytes>;
}

function aesGcm(hpkeId: number, keySize: number): Aead {
  const name = "AES-GCM";
  return {
    hpkeId,
    keySize,
    nonceSize: 12,
    async seal(raw, iv, additionalData, plaintext) {
      const key = await crypto.subtle.importKey("raw", raw, name, false, ["encrypt"]);
      return new Uint8Array(await crypto.subtle.encrypt({ name, iv, additionalData }, key, plaintext));
    },
    async open(raw, iv, additionalData, ciphertext) {
      const key = await crypto.subtle.importKey("raw", raw, name, false, ["decrypt"]);
      try {
        return new Uint8Array(await crypto.subtle.decrypt({ name, iv, additionalData }, key, ciphertext));
      } catch {
        throw new DecryptionFailed();
      }
    },
  };
}

export const AES_128_GCM = aesGcm(0x0001, 16);
export const AES_256_GCM = aesGcm(0x0002, 32);
