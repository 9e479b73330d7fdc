// HPKE in base mode (RFC 9180): seal, open and export to the holder of a key.

import { type Bytes, concat, utf8 } from "../../bytes.ts";
import { type ValueOf, encodeUint, opaque, struct } from "../codec.ts";
import type { Aead } from "./aead.ts";
import type { Hash } from "./hash.ts";
import { type Kem, labeledExpand, labeledExtract } from "./kem.ts";
import { type HpkePrivateKey, type Secret, asSecret, wipe } from "./secrets.ts";

const BASE_MODE = Uint8Array.of(0);
const NOTHING = new Uint8Array(0);

/** RFC 9420 section 7.6: what travels, the KEM's output and the ciphertext. */
export const HPKECiphertext = struct("HPKECiphertext", { kemOutput: opaque, ciphertext: opaque });
export type HPKECiphertext = ValueOf<typeof HPKECiphertext>;

/** A secret shared with the holder of a key, and the KEM's output that travels. */
export interface Exported {
  readonly secret: Secret;
  readonly kemOutput: Bytes;
}

/** Encrypts to the holder of a key, under an `info` that was given before. */
export type Seal = (key: Bytes, aad: Bytes, plaintext: Bytes) => Promise<HPKECiphertext>;

/** RFC 9180 section 5.1: what a shared secret becomes, as far as it is wanted. */
type Expand = (label: string, length: number) => Secret;

/** One combination of KEM, KDF and AEAD; every context encrypts once at most. */
export class Hpke {
  readonly #suiteId: Bytes;
  readonly #pskIdHash: Bytes;

  constructor(
    readonly kem: Kem,
    readonly kdf: Hash,
    readonly aead: Aead,
  ) {
    const ids = [kem.hpkeId, kdf.hpkeId, aead.hpkeId].map((id) => encodeUint(id, 2));
    this.#suiteId = concat(utf8("HPKE"), ...ids);
    this.#pskIdHash = labeledExtract(kdf, this.#suiteId, NOTHING, "psk_id_hash", NOTHING);
  }

  seal(key: Bytes, info: Bytes, aad: Bytes, plaintext: Bytes): Promise<HPKECiphertext> {
    return this.sealer(info)(key, aad, plaintext);
  }

  /** For as many as there are: the `info`, which may hold a whole tree, is hashed once. */
  sealer(info: Bytes): Seal {
    const context = this.#context(info);
    return async (key, aad, plaintext) => {
      const shared = await this.kem.encapsulate(key);
      const { key: aeadKey, nonce } = this.#aeadKey(shared.secret, context);
      const ciphertext = await this.aead.seal(aeadKey, nonce, aad, plaintext);
      wipe(aeadKey, nonce);
      return HPKECiphertext.of({ kemOutput: shared.output, ciphertext });
    };
  }

  async open(key: HpkePrivateKey, sealed: HPKECiphertext, info: Bytes, aad: Bytes): Promise<Secret> {
    const shared = await this.kem.decapsulate(key, sealed.kemOutput);
    const { key: aeadKey, nonce } = this.#aeadKey(shared, this.#context(info));
    const opened = await this.aead.open(aeadKey, nonce, aad, sealed.ciphertext);
    wipe(aeadKey, nonce);
    return asSecret(opened);
  }

  async exportTo(key: Bytes, info: Bytes, label: string, length: number): Promise<Exported> {
    const shared = await this.kem.encapsulate(key);
    return { secret: this.#export(shared.secret, info, label, length), kemOutput: shared.output };
  }

  async exportFrom(key: HpkePrivateKey, kemOutput: Bytes, info: Bytes, label: string, length: number): Promise<Secret> {
    return this.#export(await this.kem.decapsulate(key, kemOutput), info, label, length);
  }

  /** RFC 9180 section 5.1: the key schedule's context, without a pre-shared key. */
  #context(info: Bytes): Bytes {
    const infoHash = labeledExtract(this.kdf, this.#suiteId, NOTHING, "info_hash", info);
    return concat(BASE_MODE, this.#pskIdHash, infoHash);
  }

  /** RFC 9180 section 5.1; uses up the shared secret. */
  #schedule<T>(shared: Secret, context: Bytes, use: (expand: Expand) => T): T {
    const { kdf } = this;
    const secret = labeledExtract(kdf, this.#suiteId, shared, "secret", NOTHING);
    const made = use((label, length) => labeledExpand(kdf, this.#suiteId, secret, label, context, length));
    wipe(shared, secret);
    return made;
  }

  #aeadKey(shared: Secret, context: Bytes): { readonly key: Secret; readonly nonce: Secret } {
    const { keySize, nonceSize } = this.aead;
    return this.#schedule(shared, context, (expand) => ({
      key: expand("key", keySize),
      nonce: expand("base_nonce", nonceSize),
    }));
  }

  #export(shared: Secret, info: Bytes, label: string, length: number): Secret {
    const exporterSecret = this.#schedule(shared, this.#context(info), (expand) => expand("exp", this.kdf.size));
    const exported = labeledExpand(this.kdf, this.#suiteId, exporterSecret, "sec", utf8(label), length);
    wipe(exporterSecret);
    return exported;
  }
}
