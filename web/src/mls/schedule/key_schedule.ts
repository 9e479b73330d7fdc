// RFC 9420 section 8: from one epoch's secrets to the next.

import { type Bytes, sameBytes } from "../../bytes.ts";
import { type ValueOf, struct } from "../codec.ts";
import type { KeyPair } from "../crypto/kem.ts";
import { type HpkePrivateKey, type Secret, secret, wipe } from "../crypto/secrets.ts";
import type { CipherSuite } from "../crypto/suites.ts";
import { ConfirmationTagMismatch, MembershipTagMismatch } from "../errors.ts";

const EXTERNAL_INIT = "MLS 1.0 external init secret";
const NOTHING = new Uint8Array(0);

/** A key and nonce for one use: of a Welcome's GroupInfo, or of sender data. */
export interface AeadKey {
  readonly key: Secret;
  readonly nonce: Secret;
}

/** What enters the key schedule from outside the epoch before. */
export interface JoinerInputs {
  readonly initSecret: Secret;
  readonly commitSecret: Secret;
  readonly pskSecret: Secret;
}

/** Section 8: the secret told to those who join, with the pre-shared keys mixed in. */
export class Joiner {
  readonly #memberSecret: Secret;

  constructor(
    readonly suite: CipherSuite,
    readonly joinerSecret: Secret,
    pskSecret: Secret,
  ) {
    this.#memberSecret = suite.hash.extract(joinerSecret, pskSecret);
  }

  /** From the epoch before; `context` is the new epoch's GroupContext. */
  static advance(suite: CipherSuite, inputs: JoinerInputs, context: Bytes): Joiner {
    const extracted = suite.hash.extract(inputs.initSecret, inputs.commitSecret);
    const joinerSecret = suite.expandWithLabel(extracted, "joiner", context, suite.hash.size);
    wipe(extracted);
    return new Joiner(suite, joinerSecret, inputs.pskSecret);
  }

  get welcomeSecret(): Secret {
    return this.suite.deriveSecret(this.#memberSecret, "welcome");
  }

  get welcomeKey(): AeadKey {
    const { suite, welcomeSecret } = this;
    return {
      key: suite.expandWithLabel(welcomeSecret, "key", NOTHING, suite.aead.keySize),
      nonce: suite.expandWithLabel(welcomeSecret, "nonce", NOTHING, suite.aead.nonceSize),
    };
  }

  epochSecrets(context: Bytes): EpochStart {
    const { suite } = this;
    const epochSecret = suite.expandWithLabel(this.#memberSecret, "epoch", context, suite.hash.size);
    return epochStart(suite, epochSecret);
  }
}

/**
 * Section 8, table 4: what an epoch keeps until it ends.
 *
 * The encryption secret is not among them: it becomes the secret tree and is forgotten.
 */
export const EpochSecrets = struct("EpochSecrets", {
  senderDataSecret: secret,
  exporterSecret: secret,
  externalSecret: secret,
  confirmationKey: secret,
  membershipKey: secret,
  resumptionPsk: secret,
  epochAuthenticator: secret,
  initSecret: secret,
});
export type EpochSecrets = ValueOf<typeof EpochSecrets>;

/** Section 8.3: the key to which a joiner from outside encapsulates. */
export function externalKeyPair(suite: CipherSuite, secrets: EpochSecrets): Promise<KeyPair> {
  return suite.deriveKeyPair(secrets.externalSecret);
}

export function confirmationTag(suite: CipherSuite, secrets: EpochSecrets, confirmed: Bytes): Bytes {
  return suite.hash.mac(secrets.confirmationKey, confirmed);
}

/** Section 6.1: only who knows the epoch's secrets could have made the tag. */
export function checkConfirmationTag(
  suite: CipherSuite,
  secrets: EpochSecrets,
  confirmed: Bytes,
  tag: Bytes | null,
): void {
  const isRight = tag !== null && sameBytes(confirmationTag(suite, secrets, confirmed), tag);
  if (!isRight) throw new ConfirmationTagMismatch();
}

export function membershipTag(suite: CipherSuite, secrets: EpochSecrets, content: Bytes): Bytes {
  return suite.hash.mac(secrets.membershipKey, content);
}

/** Section 6.2: the message comes from inside the group. */
export function checkMembershipTag(
  suite: CipherSuite,
  secrets: EpochSecrets,
  content: Bytes,
  tag: Bytes | null,
): void {
  const isRight = tag !== null && sameBytes(membershipTag(suite, secrets, content), tag);
  if (!isRight) throw new MembershipTagMismatch();
}

/** MLS-Exporter, section 8.5. */
export function exportSecret(
  suite: CipherSuite,
  secrets: EpochSecrets,
  label: string,
  context: Bytes,
  length: number,
): Secret {
  const derived = suite.deriveSecret(secrets.exporterSecret, label);
  return suite.expandWithLabel(derived, "exported", suite.hash.digest(context), length);
}

/** All secrets of an epoch at its beginning. */
export interface EpochStart {
  readonly secrets: EpochSecrets;
  readonly encryptionSecret: Secret;
}

/** Uses up the epoch secret. */
export function epochStart(suite: CipherSuite, epochSecret: Secret): EpochStart {
  const derive = (label: string): Secret => suite.deriveSecret(epochSecret, label);
  const secrets = EpochSecrets.of({
    senderDataSecret: derive("sender data"),
    exporterSecret: derive("exporter"),
    externalSecret: derive("external"),
    confirmationKey: derive("confirm"),
    membershipKey: derive("membership"),
    resumptionPsk: derive("resumption"),
    epochAuthenticator: derive("authentication"),
    initSecret: derive("init"),
  });
  const encryptionSecret = derive("encryption");
  wipe(epochSecret);
  return { secrets, encryptionSecret };
}

/** Section 8.3: an init secret agreed with a group from outside. */
export interface ExternalInitSecret {
  readonly initSecret: Secret;
  readonly kemOutput: Bytes;
}

export async function newExternalInit(suite: CipherSuite, externalPub: Bytes): Promise<ExternalInitSecret> {
  const exported = await suite.hpke.exportTo(externalPub, NOTHING, EXTERNAL_INIT, suite.hash.size);
  return { initSecret: exported.secret, kemOutput: exported.kemOutput };
}

export function openExternalInit(suite: CipherSuite, key: HpkePrivateKey, kemOutput: Bytes): Promise<Secret> {
  return suite.hpke.exportFrom(key, kemOutput, NOTHING, EXTERNAL_INIT, suite.hash.size);
}
