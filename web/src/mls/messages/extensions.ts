// RFC 9420 section 13: extensions, and the ones this engine knows.

import type { Bytes } from "../../bytes.ts";
import { type ValueOf, opaque, struct, uint16, vector } from "../codec.ts";
import { DuplicateExtension } from "../errors.ts";
import { Credential } from "./credentials.ts";

/** Section 17.3; the last is from draft-ietf-mls-extensions. */
export const ExtensionType = {
  APPLICATION_ID: 0x0001,
  RATCHET_TREE: 0x0002,
  REQUIRED_CAPABILITIES: 0x0003,
  EXTERNAL_PUB: 0x0004,
  EXTERNAL_SENDERS: 0x0005,
  LAST_RESORT_KEY_PACKAGE: 0x000a,
} as const;

/** Implemented by everyone, so nobody lists them (section 7.2). */
export const DEFAULT_EXTENSIONS: ReadonlySet<number> = new Set([1, 2, 3, 4, 5]);

/** Section 13.5: values that mean nothing, sent so that ignoring stays practised. */
export const GREASE: ReadonlySet<number> = new Set(
  Array.from({ length: 15 }, (_, step) => 0x0a0a + 0x1010 * step),
);

/** A type and bytes that only this type's owner can read. */
export const Extension = struct("Extension", { extensionType: uint16, extensionData: opaque });
export type Extension = ValueOf<typeof Extension>;

export type Extensions = readonly Extension[];

/** Section 11.1: what every member has to support. */
export const RequiredCapabilities = struct("RequiredCapabilities", {
  extensionTypes: vector(uint16),
  proposalTypes: vector(uint16),
  credentialTypes: vector(uint16),
});
export type RequiredCapabilities = ValueOf<typeof RequiredCapabilities>;

/** Section 12.4.3.2: the key to which a joiner encapsulates. */
export const ExternalPub = struct("ExternalPub", { externalPub: opaque });

/** Section 12.1.8.1: the RFC's ExternalSender, one who may propose from outside. */
export const AllowedSender = struct("AllowedSender", { signatureKey: opaque, credential: Credential });
export type AllowedSender = ValueOf<typeof AllowedSender>;

/** Section 12.1.8.1: the extension's content. */
export const ExternalSenders = struct("ExternalSenders", { senders: vector(AllowedSender) });

export function findExtension(extensions: Extensions, extensionType: number): Bytes | null {
  const found = extensions.find((extension) => extension.extensionType === extensionType);
  return found === undefined ? null : found.extensionData;
}

/** Section 13.4: no list of extensions names a type twice. */
export function checkNoDuplicates(extensions: Extensions): void {
  const types = extensions.map((extension) => extension.extensionType);
  if (new Set(types).size !== types.length) throw new DuplicateExtension();
}

export function requiredCapabilities(extensions: Extensions): RequiredCapabilities | null {
  const data = findExtension(extensions, ExtensionType.REQUIRED_CAPABILITIES);
  return data === null ? null : RequiredCapabilities.decode(data);
}

export function externalSenders(extensions: Extensions): readonly AllowedSender[] {
  const data = findExtension(extensions, ExtensionType.EXTERNAL_SENDERS);
  return data === null ? [] : ExternalSenders.decode(data).senders;
}
