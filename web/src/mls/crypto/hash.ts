// Hash, HMAC and HKDF of a cipher suite (RFC 5869), in their one-shot forms.
//
// These are synchronous: a message takes a dozen HMACs of a few bytes each, for which WebCrypto's
// way to another thread and back costs more than the hashing.

import { hmac } from "@noble/hashes/hmac.js";
import { sha256, sha384, sha512 } from "@noble/hashes/sha2.js";
import type { CHash } from "@noble/hashes/utils.js";
import { type Bytes, concat } from "../../bytes.ts";
import { OutOfRange } from "../errors.ts";
import { type Secret, asSecret } from "./secrets.ts";

const MOST_BLOCKS = 255;

/** One hash function and what HKDF makes of it. */
export class Hash {
  constructor(
    readonly name: "SHA-256" | "SHA-384" | "SHA-512",
    readonly size: number,
    readonly hpkeId: number,
    readonly algorithm: CHash,
  ) {}

  digest(data: Uint8Array): Bytes {
    return new Uint8Array(this.algorithm(data));
  }

  mac(key: Uint8Array, data: Uint8Array): Bytes {
    return new Uint8Array(hmac(this.algorithm, key, data));
  }

  extract(salt: Uint8Array, ikm: Uint8Array): Secret {
    return asSecret(this.mac(salt, ikm));
  }

  expand(prk: Uint8Array, info: Uint8Array, length: number): Secret {
    if (length > MOST_BLOCKS * this.size) throw new OutOfRange("HKDF gives at most 255 blocks");
    const output = new Uint8Array(length);
    let block: Bytes = new Uint8Array(0);
    for (let counter = 1, done = 0; done < length; counter += 1, done += this.size) {
      block = this.mac(prk, concat(block, info, Uint8Array.of(counter)));
      output.set(block.subarray(0, length - done), done);
    }
    return asSecret(output);
  }
}

export const SHA256 = new Hash("SHA-256", 32, 0x0001, sha256);
export const SHA384 = new Hash("SHA-384", 48, 0x0002, sha384);
export const SHA512 = new Hash("SHA-512", 64, 0x0003, sha512);
