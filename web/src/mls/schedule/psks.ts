// RFC 9420 section 8.4: many pre-shared keys become one secret.

import { type Secret, asSecret } from "../crypto/secrets.ts";
import type { CipherSuite } from "../crypto/suites.ts";
import { PSKLabel, type PreSharedKeyID } from "../messages/psks.ts";

/** A pre-shared key and its name. */
export interface NamedPsk {
  readonly id: PreSharedKeyID;
  readonly secret: Secret;
}

/** All keys in their order; without any, zeros. */
export function pskSecret(suite: CipherSuite, psks: readonly NamedPsk[]): Secret {
  const zeros = asSecret(new Uint8Array(suite.hash.size));
  let result = zeros;
  for (const [index, psk] of psks.entries()) {
    const extracted = suite.hash.extract(zeros, psk.secret);
    const label = PSKLabel.encode(PSKLabel.of({ id: psk.id, index, count: psks.length }));
    const mixed = suite.expandWithLabel(extracted, "derived psk", label, suite.hash.size);
    result = suite.hash.extract(mixed, result);
  }
  return result;
}
