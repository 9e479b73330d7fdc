// RFC 9420 section 7.2: a member's leaf, and the checks that need no group (section 7.3).

import { type Bytes, concat } from "../../bytes.ts";
import {
  type FieldValues,
  type ValueOf,
  encodeOpaque,
  encodeUint,
  opaque,
  select,
  struct,
  structure,
  uint16,
  uint64,
  vector,
} from "../codec.ts";
import type { SignaturePrivateKey } from "../crypto/secrets.ts";
import type { CipherSuite } from "../crypto/suites.ts";
import { InvalidKey, InvalidSignature, LeafExtensionNotSupported, LeafSignatureInvalid } from "../errors.ts";
import { Credential } from "./credentials.ts";
import { DEFAULT_EXTENSIONS, Extension, type Extensions, GREASE, checkNoDuplicates } from "./extensions.ts";
import type { LeafIndex } from "./indexes.ts";

export const MLS10 = 1;
const LABEL = "LeafNodeTBS";
const NOTHING = new Uint8Array(0);

/** What a client supports beyond what everyone does. */
export const Capabilities = struct("Capabilities", {
  versions: vector(uint16),
  cipherSuites: vector(uint16),
  extensions: vector(uint16),
  proposals: vector(uint16),
  credentials: vector(uint16),
});
export type Capabilities = ValueOf<typeof Capabilities>;

/** When a key package may be used, in seconds since 1970; both ends belong to it. */
export const Lifetime = struct("Lifetime", { notBefore: uint64, notAfter: uint64 });
export type Lifetime = ValueOf<typeof Lifetime>;

export function covers(lifetime: Lifetime, now: number): boolean {
  return lifetime.notBefore <= BigInt(now) && BigInt(now) <= lifetime.notAfter;
}

/** What a leaf node was made for. */
export const LeafNodeSource = { KEY_PACKAGE: 1, UPDATE: 2, COMMIT: 3 } as const;

/** Made for a key package. */
export const KeyPackageSource = struct("KeyPackageSource", { lifetime: Lifetime });
/** Made for an Update proposal. */
export const UpdateSource = struct("UpdateSource", {});
/** Made for the path of a commit. */
export const CommitSource = struct("CommitSource", { parentHash: opaque });

export const Source = select(1, {
  [LeafNodeSource.KEY_PACKAGE]: KeyPackageSource,
  [LeafNodeSource.UPDATE]: UpdateSource,
  [LeafNodeSource.COMMIT]: CommitSource,
});
export type Source = ValueOf<typeof Source>;

/** Where in which group: part of what an update's or a commit's leaf signs. */
export interface Place {
  readonly groupId: Bytes;
  readonly leaf: LeafIndex;
}

function placeBytes(place: Place | null): Bytes {
  return place === null ? NOTHING : concat(encodeOpaque(place.groupId), encodeUint(place.leaf, 4));
}

const content = {
  encryptionKey: opaque,
  signatureKey: opaque,
  credential: Credential,
  capabilities: Capabilities,
  source: Source,
  extensions: vector(Extension),
};

/** Everything in a leaf node that its signature covers. */
export const LeafNodeContent = struct("LeafNodeContent", content);
export type LeafNodeContent = FieldValues<typeof content>;

/** A member's keys, credential and capabilities, signed with the member's key. */
const fieldsOfLeafNode = struct("LeafNode", { ...content, signature: opaque });
export type LeafNode = ValueOf<typeof fieldsOfLeafNode>;

export const LeafNode = {
  ...fieldsOfLeafNode,
  ...structure<"LeafNode", LeafNode>("LeafNode", {
    write: (writer, leaf) => writer.bytes(encodedLeaf(leaf)),
    read(reader) {
      const start = reader.position;
      const leaf = fieldsOfLeafNode.read(reader);
      encodings.set(leaf, reader.since(start)); // there is one form, so it is this one
      return leaf;
    },
  }),
};

const encodings = new WeakMap<LeafNode, Bytes>();

/** Its bytes, found once: they are hashed, signed, sent and stored again and again. */
function encodedLeaf(leaf: LeafNode): Bytes {
  const known = encodings.get(leaf) ?? fieldsOfLeafNode.encode(leaf);
  encodings.set(leaf, known);
  return known;
}

/** LeafNodeContent: all but the signature, which comes last. */
function signedPart(leaf: LeafNode): Bytes {
  return encodedLeaf(leaf).subarray(0, -encodeOpaque(leaf.signature).length);
}

/** Sign for a key package, or for a place in a group. */
export async function signLeaf(
  suite: CipherSuite,
  key: SignaturePrivateKey,
  leaf: LeafNodeContent,
  place: Place | null = null,
): Promise<LeafNode> {
  const signed = concat(LeafNodeContent.encodeFields(leaf), placeBytes(place));
  return LeafNode.of({ ...leaf, signature: await suite.signWithLabel(key, LABEL, signed) });
}

/** Section 7.3: signed with its own key, for this place. */
export async function checkLeafSignature(suite: CipherSuite, leaf: LeafNode, place: Place | null = null): Promise<void> {
  const signed = concat(signedPart(leaf), placeBytes(place));
  try {
    await suite.verifyWithLabel(leaf.signatureKey, LABEL, signed, leaf.signature);
  } catch (error) {
    if (error instanceof InvalidSignature || error instanceof InvalidKey) throw new LeafSignatureInvalid();
    throw error;
  }
}

export function isFromKeyPackage(leaf: LeafNode): boolean {
  return leaf.source.kind === "KeyPackageSource";
}

/** Section 5.1.1: a key of the suite's KEM, else nobody could encrypt to the leaf. */
export function checkLeafEncryptionKey(suite: CipherSuite, leaf: LeafNodeContent): Promise<void> {
  return suite.hpke.kem.checkPublicKey(leaf.encryptionKey);
}

/** Section 7.3 and 13.4: each extension once, and each listed as supported. */
export function checkLeafExtensions(leaf: LeafNodeContent): void {
  checkNoDuplicates(leaf.extensions);
  checkSupports(leaf, leaf.extensions);
}

/** Section 7.3 and 10: what a client sends of itself, it also lists as supported. */
export function checkSupports(leaf: LeafNodeContent, extensions: Extensions): void {
  for (const { extensionType } of extensions) {
    const isSupported = DEFAULT_EXTENSIONS.has(extensionType) || leaf.capabilities.extensions.includes(extensionType);
    if (!isSupported && !GREASE.has(extensionType)) throw new LeafExtensionNotSupported();
  }
}
