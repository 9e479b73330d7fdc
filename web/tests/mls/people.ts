// Invented clients with real keys.

import { utf8 } from "../../src/bytes.ts";
import { cipherSuite } from "../../src/mls/crypto/suites.ts";
import { type Client, type OwnKeyPackage, makeKeyPackage } from "../../src/mls/group/key_packages.ts";
import { BasicCredential } from "../../src/mls/messages/credentials.ts";
import { Capabilities, Lifetime, MLS10 } from "../../src/mls/messages/leaf_nodes.ts";
import { policyOf } from "../../src/mls/public_group/policy.ts";

export const NOW = 1_800_000_000;
export const DAY = 24 * 3600;
export const POLICY = policyOf(() => {}, { now: NOW });
export const GROUP_ID = utf8("a group of friends");
const LIFETIME = Lifetime.of({ notBefore: BigInt(NOW - DAY), notAfter: BigInt(NOW + 89 * DAY) });

export async function makeClient(name: string, number: number): Promise<Client> {
  const suite = cipherSuite(number);
  return {
    suite,
    signatureKey: await suite.signature.generate(),
    credential: BasicCredential.of({ identity: utf8(name) }),
    capabilities: Capabilities.of({
      versions: [MLS10],
      cipherSuites: [number],
      extensions: [],
      proposals: [],
      credentials: [1],
    }),
    extensions: [],
  };
}

export async function keyPackageOf(name: string, suite = 1, lifetime = LIFETIME): Promise<OwnKeyPackage> {
  return makeKeyPackage(await makeClient(name, suite), lifetime);
}
