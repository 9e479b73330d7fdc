// What the browser's own functions take for an operation: no engine in a page can be faster.

import { type Bytes, randomBytes } from "../../src/bytes.ts";
import type { Keep, Stopwatch } from "./measure.ts";

const LEAF_SIZE = 200;
const STATE_SIZE = 1_000;
const AES = "AES-GCM";
const ED25519 = "Ed25519";

interface Signed {
  readonly key: Bytes;
  readonly data: Bytes;
  readonly signature: ArrayBuffer;
}

/** The signatures and ciphers of joining and of messages, and the write of a state. */
export async function measureAlone(watch: Stopwatch, keep: Keep | null): Promise<void> {
  const pair = await crypto.subtle.generateKey(ED25519, true, ["sign", "verify"]);
  if (!("privateKey" in pair)) throw new TypeError("Ed25519 has pairs of keys");
  const { plan } = watch;
  const leaves: Signed[] = [];
  for (let number = 0; number <= plan.members; number += 1) leaves.push(await signedLeaf());
  await watch.time("join alone", () => Promise.all(leaves.map(checked)));
  for (const size of plan.sizes) {
    const data = randomBytes(size);
    const signature = await crypto.subtle.sign(ED25519, pair.privateKey, data);
    const say = async (): Promise<void> => {
      await crypto.subtle.sign(ED25519, pair.privateKey, data);
      await sealed(data);
      await sealed(randomBytes(16)); // the sender's place, under a key of its own
    };
    await watch.quickly(`encrypt ${size} alone`, say);
    const [inner, outer] = [await sealed(data), await sealed(randomBytes(16))];
    await watch.quickly(`decrypt ${size} alone`, async () => {
      await opened(outer);
      await opened(inner);
      await crypto.subtle.verify(ED25519, pair.publicKey, signature, data);
    });
    if (keep === null) continue;
    await watch.quickly(`encrypt and keep ${size} alone`, async () => {
      await say();
      await keep(randomBytes(STATE_SIZE));
    });
  }
}

async function signedLeaf(): Promise<Signed> {
  const pair = await crypto.subtle.generateKey(ED25519, true, ["sign", "verify"]);
  if (!("privateKey" in pair)) throw new TypeError("Ed25519 has pairs of keys");
  const data = randomBytes(LEAF_SIZE);
  const signature = await crypto.subtle.sign(ED25519, pair.privateKey, data);
  return { key: new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey)), data, signature };
}

async function checked({ key, data, signature }: Signed): Promise<void> {
  const imported = await crypto.subtle.importKey("raw", key, ED25519, false, ["verify"]);
  await crypto.subtle.verify(ED25519, imported, signature, data);
}

interface Sealed {
  readonly raw: Bytes;
  readonly iv: Bytes;
  readonly data: ArrayBuffer;
}

async function sealed(data: Bytes): Promise<Sealed> {
  const [raw, iv] = [randomBytes(16), randomBytes(12)];
  const key = await crypto.subtle.importKey("raw", raw, AES, false, ["encrypt"]);
  return { raw, iv, data: await crypto.subtle.encrypt({ name: AES, iv }, key, data) };
}

async function opened({ raw, iv, data }: Sealed): Promise<void> {
  const key = await crypto.subtle.importKey("raw", raw, AES, false, ["decrypt"]);
  await crypto.subtle.decrypt({ name: AES, iv }, key, data);
}
