// Seals every stored value: AES-256-GCM under HKDF(local key, salt = the server's unlock share). A
// copied profile opens nothing without a live session, and the server alone opens nothing either.

import { type Bytes, concat, fromUtf8, randomBytes, utf8 } from "../bytes.ts";

const IV_BYTES = 12;
const KEY_USE = "SecureChat 1.0 vault";
const REGISTRATION_USE = "SecureChat 1.0 registration";

/** The stored bytes do not open under this key, or belong to another place. */
export class VaultRefused extends Error {
  override readonly name = "VaultRefused";
}

export async function generateLocalKey(): Promise<CryptoKey> {
  const secret = randomBytes(32);
  const key = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveKey"]);
  secret.fill(0);
  return key;
}

export class Vault {
  readonly #key: CryptoKey;

  private constructor(key: CryptoKey) {
    this.#key = key;
  }

  static async unlock(localKey: CryptoKey, unlockShare: Bytes): Promise<Vault> {
    return new Vault(await deriveKey(localKey, unlockShare, KEY_USE));
  }

  /** Holds a device's keys for the seconds in which the server has not given its share yet. */
  static async forRegistration(localKey: CryptoKey): Promise<Vault> {
    return new Vault(await deriveKey(localKey, new Uint8Array(32), REGISTRATION_USE));
  }

  async seal(store: string, key: string, value: unknown): Promise<Bytes> {
    const iv = randomBytes(IV_BYTES);
    const parameters = { name: "AES-GCM", iv, additionalData: place(store, key) };
    const plaintext = utf8(JSON.stringify(value));
    const sealed = await crypto.subtle.encrypt(parameters, this.#key, plaintext);
    return concat(iv, new Uint8Array(sealed));
  }

  /** Throws `VaultRefused` unless it was sealed here, for this very place. */
  async open(store: string, key: string, sealed: Bytes): Promise<unknown> {
    const iv = sealed.slice(0, IV_BYTES);
    const parameters = { name: "AES-GCM", iv, additionalData: place(store, key) };
    let plaintext: ArrayBuffer;
    try {
      plaintext = await crypto.subtle.decrypt(parameters, this.#key, sealed.slice(IV_BYTES));
    } catch (cause) {
      throw new VaultRefused("a stored value does not open", { cause });
    }
    return JSON.parse(fromUtf8(new Uint8Array(plaintext))) as unknown;
  }
}

function place(store: string, key: string): Bytes {
  return utf8(JSON.stringify([store, key]));
}

function deriveKey(localKey: CryptoKey, salt: Bytes, use: string): Promise<CryptoKey> {
  return crypto.subtle.deriveKey(
    { name: "HKDF", hash: "SHA-256", salt, info: utf8(use) },
    localKey,
    { name: "AES-GCM", length: 256 },
    false,
    ["encrypt", "decrypt"],
  );
}
