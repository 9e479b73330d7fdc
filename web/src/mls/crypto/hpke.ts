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

interface Context {
  readonly key: Secret;
  readonly nonce: Secret;
  readonly exporterSecret: Secret;
}

/** One combination of KEM, KDF and AEAD; every context encrypts once at most. */
export class Hpke {
  readonly #suiteId: Bytes;

  constructor(
    readonly kem: Kem,
    readonly kdf: Hash,
    readonly aead: Aead,
  ) {
    const ids = [kem.hpkeId, kdf.hpkeId, aead.hpkeId].map((id) => encodeUint(id, 2));
    this.#suiteId = concat(utf8("HPKE"), ...ids);
  }

  async seal(key: Bytes, info: Bytes, aad: Bytes, plaintext: Bytes): Promise<HPKECiphertext> {
    const shared = await this.kem.encapsulate(key);
    const context = this.#schedule(shared.secret, info);
    const ciphertext = await this.aead.seal(context.key, context.nonce, aad, plaintext);
    forget(context);
    return HPKECiphertext.of({ kemOutput: shared.output, ciphertext });
  }

  async open(key: HpkePrivateKey, sealed: HPKECiphertext, info: Bytes, aad: Bytes): Promise<Secret> {
    const context = this.#schedule(await this.kem.decapsulate(key, sealed.kemOutput), info);
    const opened = await this.aead.open(context.key, context.nonce, aad, sealed.ciphertext);
    forget(context);
    return asSecret(opened);
  }

  async exportTo(key: Bytes, info: Bytes, label: string, length: number): Promise<Exported> {
    const shared = await this.kem.encapsulate(key);
    const context = this.#schedule(shared.secret, info);
    return { secret: this.#export(context, label, length), kemOutput: shared.output };
  }

  async exportFrom(key: HpkePrivateKey, kemOutput: Bytes, info: Bytes, label: string, length: number): Promise<Secret> {
    const context = this.#schedule(await this.kem.decapsulate(key, kemOutput), info);
    return this.#export(context, label, length);
  }

  /** RFC 9180 section 5.1, without a pre-shared key; uses up the shared secret. */
  #schedule(shared: Secret, info: Bytes): Context {
    const { kdf } = this;
    const context = concat(
      BASE_MODE,
      labeledExtract(kdf, this.#suiteId, NOTHING, "psk_id_hash", NOTHING),
      labeledExtract(kdf, this.#suiteId, NOTHING, "info_hash", info),
    );
    const secret = labeledExtract(kdf, this.#suiteId, shared, "secret", NOTHING);
    const expand = (label: string, length: number): Secret =>
      labeledExpand(kdf, this.#suiteId, secret, label, context, length);
    const made = {
      key: expand("key", this.aead.keySize),
      nonce: expand("base_nonce", this.aead.nonceSize),
      exporterSecret: expand("exp", kdf.size),
    };
    wipe(shared, secret);
    return made;
  }

  #export(context: Context, label: string, length: number): Secret {
    const exported = labeledExpand(this.kdf, this.#suiteId, context.exporterSecret, "sec", utf8(label), length);
    forget(context);
    return exported;
  }
}

function forget(context: Context): void {
  wipe(context.key, context.nonce, context.exporterSecret);
}
