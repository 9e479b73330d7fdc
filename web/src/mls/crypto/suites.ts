// The cipher suites and RFC 9420 section 5's labelled operations on them.
//
// Those here need WebCrypto and ML-KEM only; `more_suites` has the rest, for who wants the weight.

import { type Bytes, concat, utf8 } from "../../bytes.ts";
import { type Writer, encodeOpaque, encodeUint, written } from "../codec.ts";
import { UnsupportedSuite } from "../errors.ts";
import { AES_128_GCM, AES_256_GCM, type Aead } from "./aead.ts";
import { type Hash, SHA256, SHA384, SHA512 } from "./hash.ts";
import { Hpke, type HPKECiphertext } from "./hpke.ts";
import { DHKEM_P256, DHKEM_P384, DHKEM_P521, DHKEM_X25519, type Kem, type KeyPair } from "./kem.ts";
import { type HpkePrivateKey, type Secret, type SignaturePrivateKey, randomSecret } from "./secrets.ts";
import { ECDSA_P256, ECDSA_P384, ECDSA_P521, ED25519, type SignatureScheme } from "./signatures.ts";
import { MLKEM768_X25519 } from "./xwing.ts";

const PREFIX = "MLS 1.0 ";
export const KEY_PACKAGE_REFERENCE = "MLS 1.0 KeyPackage Reference";
export const PROPOSAL_REFERENCE = "MLS 1.0 Proposal Reference";
const NOTHING = new Uint8Array(0);

/** Encrypts to the holder of a key. */
export type Encryptor = (key: Bytes, plaintext: Bytes) => Promise<HPKECiphertext>;

/** One row of the cipher suite registry (section 17.1), with the operations of section 5. */
export class CipherSuite {
  readonly hpke: Hpke;

  constructor(
    readonly number: number,
    readonly name: string,
    kem: Kem,
    readonly aead: Aead,
    readonly hash: Hash,
    readonly signature: SignatureScheme,
  ) {
    this.hpke = new Hpke(kem, hash, aead);
  }

  /** RefHash, section 5.2; the label is used as it is. */
  refHash(label: string, value: Bytes): Bytes {
    return this.hash.digest(concat(encodeOpaque(utf8(label)), encodeOpaque(value)));
  }

  /** SignWithLabel, section 5.1.2. */
  signWithLabel(key: SignaturePrivateKey, label: string, content: Writable): Promise<Bytes> {
    return this.signature.sign(key, labelledContent(PREFIX + label, content));
  }

  /** VerifyWithLabel, section 5.1.2; rejects with `InvalidSignature` or `InvalidKey`. */
  verifyWithLabel(key: Bytes, label: string, content: Writable, signature: Bytes): Promise<void> {
    return this.signature.verify(key, signature, labelledContent(PREFIX + label, content));
  }

  /** EncryptWithLabel, section 5.1.3. */
  encryptWithLabel(key: Bytes, label: string, context: Bytes, plaintext: Bytes): Promise<HPKECiphertext> {
    return this.encryptorWithLabel(label, context)(key, plaintext);
  }

  /** EncryptWithLabel to many in the same context. */
  encryptorWithLabel(label: string, context: Bytes): Encryptor {
    const seal = this.hpke.sealer(labelledContent(PREFIX + label, context));
    return (key, plaintext) => seal(key, NOTHING, plaintext);
  }

  /** DecryptWithLabel, section 5.1.3; rejects with `DecryptionFailed`. */
  decryptWithLabel(key: HpkePrivateKey, label: string, context: Bytes, sealed: HPKECiphertext): Promise<Secret> {
    return this.hpke.open(key, sealed, labelledContent(PREFIX + label, context), NOTHING);
  }

  /** ExpandWithLabel, section 8. */
  expandWithLabel(secret: Uint8Array, label: string, context: Uint8Array, length: number): Secret {
    const info = written((writer) => {
      writer.uint(length, 2);
      writer.opaque(labelBytes(PREFIX + label));
      writer.opaque(context);
    });
    return this.hash.expand(secret, info, length);
  }

  /** DeriveSecret, section 8. */
  deriveSecret(secret: Uint8Array, label: string): Secret {
    return this.expandWithLabel(secret, label, NOTHING, this.hash.size);
  }

  /** DeriveTreeSecret, section 9. */
  deriveTreeSecret(secret: Uint8Array, label: string, generation: number, length: number): Secret {
    return this.expandWithLabel(secret, label, encodeUint(generation, 4), length);
  }

  deriveKeyPair(secret: Secret): Promise<KeyPair> {
    return this.hpke.kem.deriveKeyPair(secret);
  }

  randomSecret(): Secret {
    return randomSecret(this.hash.size);
  }
}

/** SignContent and EncryptContext, which have the same form. */
export function labelledContent(label: string, content: Writable): Bytes {
  return written((writer) => {
    writer.opaque(labelBytes(label));
    if (typeof content === "function") writer.vector(() => content(writer));
    else writer.opaque(content);
  });
}

/** Bytes, or what writes them: a long message is copied once less on its way to be signed. */
export type Writable = Bytes | ((writer: Writer) => void);

const labels = new Map<string, Bytes>();

/** There are some twenty labels, and every message needs half of them. */
function labelBytes(label: string): Bytes {
  const known = labels.get(label) ?? utf8(label);
  labels.set(label, known);
  return known;
}

const suites = new Map<number, CipherSuite>();

/** Make suites known to `cipherSuite`; whoever loads a module of them calls this once. */
export function registerSuites(...added: readonly CipherSuite[]): void {
  for (const suite of added) suites.set(suite.number, suite);
}

// prettier-ignore
registerSuites(
  new CipherSuite(0x0001, "MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519",
    DHKEM_X25519, AES_128_GCM, SHA256, ED25519),
  new CipherSuite(0x0002, "MLS_128_DHKEMP256_AES128GCM_SHA256_P256",
    DHKEM_P256, AES_128_GCM, SHA256, ECDSA_P256),
  new CipherSuite(0x0005, "MLS_256_DHKEMP521_AES256GCM_SHA512_P521",
    DHKEM_P521, AES_256_GCM, SHA512, ECDSA_P521),
  new CipherSuite(0x0007, "MLS_256_DHKEMP384_AES256GCM_SHA384_P384",
    DHKEM_P384, AES_256_GCM, SHA384, ECDSA_P384),
  // draft-ietf-mls-pq-ciphersuites under a private number until IANA assigns one
  new CipherSuite(0xf04e, "MLS_128_MLKEM768X25519_AES256GCM_SHA384_Ed25519",
    MLKEM768_X25519, AES_256_GCM, SHA384, ED25519),
);

export function supportedSuites(): readonly number[] {
  return [...suites.keys()];
}

/** The suite of that number; throws `UnsupportedSuite`. */
export function cipherSuite(number: number): CipherSuite {
  const suite = suites.get(number);
  if (suite === undefined) throw new UnsupportedSuite();
  return suite;
}
