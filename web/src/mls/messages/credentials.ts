// RFC 9420 section 5.3: who a key claims to belong to, and the function that judges the claim.

import type { Bytes } from "../../bytes.ts";
import { type ValueOf, opaque, select, struct, vector } from "../codec.ts";

/** Section 17.5. */
export const CredentialType = { BASIC: 1, X509: 2 } as const;

/** An identity whose meaning is the application's. */
export const BasicCredential = struct("BasicCredential", { identity: opaque });
export type BasicCredential = ValueOf<typeof BasicCredential>;

/** A certificate chain in DER, the leaf's first. */
export const X509Credential = struct("X509Credential", { certificates: vector(opaque) });
export type X509Credential = ValueOf<typeof X509Credential>;

export const Credential = select(2, {
  [CredentialType.BASIC]: BasicCredential,
  [CredentialType.X509]: X509Credential,
});
export type Credential = ValueOf<typeof Credential>;

/**
 * What a judge is asked: whether this credential may stand for this signature key.
 *
 * `predecessor` is the credential that this one replaces at its leaf, if it replaces one; then
 * the judge also decides whether the one may succeed the other (section 5.3.1).
 */
export interface Claim {
  readonly credential: Credential;
  readonly signatureKey: Bytes;
  readonly predecessor: Credential | null;
}

/** Throws or rejects with `CredentialRefused` when the claim does not hold. */
export type Judge = (claim: Claim) => void | Promise<void>;
