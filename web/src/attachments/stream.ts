// The format of encrypted files (docs/protocol.md, "Files"): a random AES-256 key per file, chunks of
// 64 KiB under AES-256-GCM, nonce = counter (11 bytes) || is last (1 byte): the STREAM construction.
// Chunks cannot be changed, exchanged, left out or added, and the file cannot end early. The twin
// of securechat_sdk/attachments.py.

import { sha256 } from "@noble/hashes/sha2.js";

import { type Bytes, concat, sameBytes } from "../bytes.ts";

export const CHUNK_BYTES = 64 * 1024;
export const TAG_BYTES = 16;
export const SEALED_CHUNK_BYTES = CHUNK_BYTES + TAG_BYTES;
export const KEY_BYTES = 32;
export const HASH_BYTES = 32;
const READ_BYTES = 4 * 1024 * 1024;

/** The bytes are not the file that the message names. */
export class FileRefused extends Error {
  override readonly name = "FileRefused";
}

/** What is told of a file once it was read to its end. */
export interface Digest {
  size: number;
  sha256: Bytes;
}

export function encryptedSize(size: number): number {
  return size + Math.max(1, Math.ceil(size / CHUNK_BYTES)) * TAG_BYTES;
}

/** Cannot be exported again; the bytes are the caller's to keep. */
export function importKey(secret: Bytes): Promise<CryptoKey> {
  if (secret.length !== KEY_BYTES) throw new RangeError("a file's key has 32 bytes");
  return crypto.subtle.importKey("raw", secret, "AES-GCM", false, ["encrypt", "decrypt"]);
}

function parameters(number: number, isLast: boolean): AesGcmParams {
  const iv = new Uint8Array(12);
  const view = new DataView(iv.buffer);
  view.setUint32(3, Math.floor(number / 2 ** 32));
  view.setUint32(7, number % 2 ** 32);
  iv[11] = isLast ? 1 : 0;
  return { name: "AES-GCM", iv };
}

/** Yields the encrypted chunks of a file, and returns what the message tells of it. */
export async function* sealed(file: Blob, key: CryptoKey): AsyncGenerator<Bytes, Digest> {
  const hash = sha256.create();
  const last = Math.max(0, Math.ceil(file.size / CHUNK_BYTES) - 1);
  let number = 0;
  for (let start = 0; start === 0 || start < file.size; start += READ_BYTES) {
    const block = new Uint8Array(await file.slice(start, start + READ_BYTES).arrayBuffer());
    for (let at = 0; at === 0 || at < block.length; at += CHUNK_BYTES) {
      const chunk = block.subarray(at, at + CHUNK_BYTES);
      hash.update(chunk);
      yield new Uint8Array(await crypto.subtle.encrypt(parameters(number, number === last), key, chunk));
      number += 1;
    }
  }
  return { size: file.size, sha256: new Uint8Array(hash.digest()) };
}

/** Opens what comes in, in blocks of any size; holds two chunks at most. */
export class Opener {
  readonly #key: CryptoKey;
  readonly #expected: Digest;
  readonly #hash = sha256.create();
  #held: Bytes = new Uint8Array();
  #number = 0;
  #size = 0;

  constructor(key: CryptoKey, expected: Digest) {
    this.#key = key;
    this.#expected = expected;
  }

  /** The chunks that are certain not to be the last; throws `FileRefused`. */
  async open(block: Uint8Array): Promise<Bytes[]> {
    const all = concat(this.#held, block);
    const chunks: Bytes[] = [];
    let at = 0;
    for (; all.length - at > SEALED_CHUNK_BYTES; at += SEALED_CHUNK_BYTES) {
      chunks.push(await this.#chunk(all.subarray(at, at + SEALED_CHUNK_BYTES), false));
    }
    this.#held = all.slice(at);
    return chunks;
  }

  /** The last chunk. Only now is it certain that it was this file: keep nothing when it throws. */
  async end(): Promise<Bytes> {
    if (this.#number > 0 && this.#held.length <= TAG_BYTES) throw new FileRefused("an empty end");
    const chunk = await this.#chunk(this.#held, true);
    const isSame = sameBytes(this.#hash.digest(), this.#expected.sha256);
    if (this.#size !== this.#expected.size || !isSame) throw new FileRefused("another file");
    return chunk;
  }

  async #chunk(bytes: Bytes, isLast: boolean): Promise<Bytes> {
    let chunk: Bytes;
    try {
      chunk = new Uint8Array(await crypto.subtle.decrypt(parameters(this.#number, isLast), this.#key, bytes));
    } catch (cause) {
      throw new FileRefused("a chunk does not open", { cause });
    }
    this.#number += 1;
    this.#size += chunk.length;
    if (this.#size > this.#expected.size) throw new FileRefused("larger than was said");
    this.#hash.update(chunk);
    return chunk;
  }
}
