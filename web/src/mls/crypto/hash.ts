// Hash, HMAC and HKDF of a cipher suite (RFC 5869), in their one-shot forms.
//
// These are synchronous: a message takes a dozen HMACs of a few bytes each, for which WebCrypto's
// way to another thread and back costs more than the hashing.

import { sha256, sha384, sha512 } from "@noble/hashes/sha2.js";
import type { CHash } from "@noble/hashes/utils.js";
import { type Bytes, concat } from "../../bytes.ts";
import { OutOfRange } from "../errors.ts";
import { type Secret, asSecret, wipe } from "./secrets.ts";

const MOST_BLOCKS = 255;
const INNER = 0x36;
const OUTER = 0x5c;

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

  /** HMAC (RFC 2104), in two calls of the hash; the package's own keeps states that we do not need. */
  mac(key: Uint8Array, data: Uint8Array): Bytes {
    const { blockLen } = this.algorithm;
    const block = key.length > blockLen ? this.algorithm(key) : key;
    const inner = padded(block, INNER, blockLen, data);
    const outer = padded(block, OUTER, blockLen, this.algorithm(inner));
    const tag = this.digest(outer);
    wipe(inner, outer);
    return tag;
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

/** The key, filled up to a block and mixed with the pad, and the data after it. */
function padded(key: Uint8Array, pad: number, blockLen: number, data: Uint8Array): Bytes {
  const whole = new Uint8Array(blockLen + data.length).fill(pad, 0, blockLen);
  for (let index = 0; index < key.length; index += 1) whole[index] = (key[index] ?? 0) ^ pad;
  whole.set(data, blockLen);
  return whole;
}

export const SHA256 = new Hash("SHA-256", 32, 0x0001, sha256);
export const SHA384 = new Hash("SHA-384", 48, 0x0002, sha384);
export const SHA512 = new Hash("SHA-512", 64, 0x0003, sha512);
