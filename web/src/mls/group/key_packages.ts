// RFC 9420 section 10, a client's own side: making key packages and keeping what opens them.

import type { Bytes } from "../../bytes.ts";
import { type ValueOf, struct } from "../codec.ts";
import { type SignaturePrivateKey, hpkePrivateKey, signaturePrivateKey } from "../crypto/secrets.ts";
import { type CipherSuite, cipherSuite } from "../crypto/suites.ts";
import type { Credential } from "../messages/credentials.ts";
import type { Extensions } from "../messages/extensions.ts";
import { UncheckedKeyPackage, signKeyPackage } from "../messages/key_packages.ts";
import {
  type Capabilities,
  KeyPackageSource,
  type LeafNodeContent,
  type Lifetime,
  MLS10,
  signLeaf,
} from "../messages/leaf_nodes.ts";

/** What a client says of itself in every leaf, and the key with which it says it. */
export interface Client {
  readonly suite: CipherSuite;
  readonly signatureKey: SignaturePrivateKey;
  readonly credential: Credential;
  readonly capabilities: Capabilities;
  readonly extensions: Extensions;
}

async function leafContent(client: Client, encryptionKey: Bytes, lifetime: Lifetime): Promise<LeafNodeContent> {
  const { suite, credential, capabilities, extensions } = client;
  const signatureKey = await suite.signature.publicKeyOf(client.signatureKey);
  const source = KeyPackageSource.of({ lifetime });
  return { encryptionKey, signatureKey, credential, capabilities, source, extensions };
}

/** A key package with its private keys. Use it once, then forget it. */
export const OwnKeyPackage = struct("OwnKeyPackage", {
  package: UncheckedKeyPackage,
  initKey: hpkePrivateKey,
  encryptionKey: hpkePrivateKey,
  signatureKey: signaturePrivateKey,
});
export type OwnKeyPackage = ValueOf<typeof OwnKeyPackage>;

export function suiteOf(own: OwnKeyPackage): CipherSuite {
  return cipherSuite(own.package.cipherSuite);
}

/** Fresh keys, signed; publish `package` and keep the rest. */
export async function makeKeyPackage(
  client: Client,
  lifetime: Lifetime,
  extensions: Extensions = [],
): Promise<OwnKeyPackage> {
  const { suite, signatureKey } = client;
  const { kem } = suite.hpke;
  const [init, encryption] = await Promise.all([kem.generateKeyPair(), kem.generateKeyPair()]);
  const leaf = await leafContent(client, encryption.public, lifetime);
  const leafNode = await signLeaf(suite, signatureKey, leaf);
  const content = { version: MLS10, cipherSuite: suite.number, initKey: init.public, leafNode, extensions };
  const signed = await signKeyPackage(suite, signatureKey, content);
  return OwnKeyPackage.of({
    package: signed,
    initKey: init.private,
    encryptionKey: encryption.private,
    signatureKey,
  });
}
