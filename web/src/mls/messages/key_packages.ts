// RFC 9420 section 10: key packages, unchecked as they arrive and checked.

import { type Bytes, sameBytes } from "../../bytes.ts";
import { type FieldValues, type ValueOf, opaque, struct, uint16, vector } from "../codec.ts";
import type { SignaturePrivateKey } from "../crypto/secrets.ts";
import { type CipherSuite, KEY_PACKAGE_REFERENCE, cipherSuite } from "../crypto/suites.ts";
import {
  InitKeyReused,
  InvalidKey,
  InvalidSignature,
  KeyPackageSignatureInvalid,
  KeyPackageSuiteMismatch,
  LeafSourceMismatch,
  LifetimeNotNow,
  LifetimeTooLong,
  UnsupportedVersion,
} from "../errors.ts";
import type { Judge } from "./credentials.ts";
import { Extension, ExtensionType, checkNoDuplicates, findExtension } from "./extensions.ts";
import { LeafNode, type Lifetime, MLS10, checkLeafExtensions, checkLeafSignature, checkSupports, covers } from "./leaf_nodes.ts";

export const LONGEST_LIFETIME = 90 * 24 * 3600;
/** Clients date a key package back a little, lest it be too young for a slow clock. */
export const CLOCK_SKEW = 24 * 3600;

const LABEL = "KeyPackageTBS";

const content = {
  version: uint16,
  cipherSuite: uint16,
  initKey: opaque,
  leafNode: LeafNode,
  extensions: vector(Extension),
};

/** Everything in a key package that its signature covers. */
export const KeyPackageContent = struct("KeyPackageContent", content);
export type KeyPackageContent = FieldValues<typeof content>;

/** A key package as it came from outside; `checkKeyPackage` makes it usable. */
export const UncheckedKeyPackage = struct("UncheckedKeyPackage", { ...content, signature: opaque });
export type UncheckedKeyPackage = ValueOf<typeof UncheckedKeyPackage>;

declare const checked: unique symbol;
/** A key package that passed every check; only `checkKeyPackage` makes one. */
export type KeyPackage = UncheckedKeyPackage & { readonly [checked]: true };

export async function signKeyPackage(
  suite: CipherSuite,
  key: SignaturePrivateKey,
  package_: KeyPackageContent,
): Promise<UncheckedKeyPackage> {
  const signed = KeyPackageContent.encodeFields(package_);
  return UncheckedKeyPackage.of({ ...package_, signature: await suite.signWithLabel(key, LABEL, signed) });
}

/** KeyPackageRef, section 5.2; throws `UnsupportedSuite`. */
export function keyPackageReference(package_: UncheckedKeyPackage): Bytes {
  const encoded = UncheckedKeyPackage.encode(package_);
  return cipherSuite(package_.cipherSuite).refHash(KEY_PACKAGE_REFERENCE, encoded);
}

/** Whether it may be handed out more than once, when there is no other. */
export function isLastResort(package_: UncheckedKeyPackage): boolean {
  return findExtension(package_.extensions, ExtensionType.LAST_RESORT_KEY_PACKAGE) !== null;
}

/** When it may be used; throws `LeafSourceMismatch` if it is no key package's leaf. */
export function lifetimeOf(package_: UncheckedKeyPackage): Lifetime {
  const { source } = package_.leafNode;
  if (source.kind !== "KeyPackageSource") throw new LeafSourceMismatch();
  return source.lifetime;
}

export interface KeyPackageRules {
  /** Seconds since 1970; null leaves the lifetime to a caller who looks at what others accepted. */
  readonly now: number | null;
  readonly suites: readonly number[];
  readonly judge: Judge;
  readonly longestLifetime: number;
}

/** Section 10.1: the checked key package, or one of the package's errors. */
export async function checkKeyPackage(package_: UncheckedKeyPackage, rules: KeyPackageRules): Promise<KeyPackage> {
  checkVersionAndSuite(package_, rules.suites);
  const suite = cipherSuite(package_.cipherSuite);
  const leaf = package_.leafNode;
  const lifetime = lifetimeOf(package_);
  await checkKeys(suite, package_);
  await checkSignature(suite, package_);
  await checkLeafSignature(suite, leaf);
  checkLeafExtensions(leaf);
  checkNoDuplicates(package_.extensions);
  checkSupports(leaf, package_.extensions);
  if (rules.now !== null) checkLifetime(lifetime, rules.now, rules.longestLifetime);
  await rules.judge({ credential: leaf.credential, signatureKey: leaf.signatureKey, predecessor: null });
  return package_ as KeyPackage; // here and nowhere else
}

function checkVersionAndSuite(package_: UncheckedKeyPackage, suites: readonly number[]): void {
  if (package_.version !== MLS10) throw new UnsupportedVersion();
  if (!suites.includes(package_.cipherSuite)) throw new KeyPackageSuiteMismatch();
}

async function checkKeys(suite: CipherSuite, package_: UncheckedKeyPackage): Promise<void> {
  if (sameBytes(package_.initKey, package_.leafNode.encryptionKey)) throw new InitKeyReused();
  await suite.hpke.kem.checkPublicKey(package_.initKey);
  await suite.hpke.kem.checkPublicKey(package_.leafNode.encryptionKey);
}

async function checkSignature(suite: CipherSuite, package_: UncheckedKeyPackage): Promise<void> {
  const signed = KeyPackageContent.encodeFields(package_);
  try {
    await suite.verifyWithLabel(package_.leafNode.signatureKey, LABEL, signed, package_.signature);
  } catch (error) {
    if (error instanceof InvalidSignature || error instanceof InvalidKey) throw new KeyPackageSignatureInvalid();
    throw error;
  }
}

function checkLifetime(lifetime: Lifetime, now: number, longest: number): void {
  if (!covers(lifetime, now)) throw new LifetimeNotNow();
  if (lifetime.notAfter - lifetime.notBefore > BigInt(longest + CLOCK_SKEW)) throw new LifetimeTooLong();
}
