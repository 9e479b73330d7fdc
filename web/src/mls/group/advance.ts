// RFC 9420 section 12.4: the step from one epoch's secrets to the next, for all who take it.

import { type Secret, type SignaturePrivateKey, asSecret } from "../crypto/secrets.ts";
import type { CipherSuite } from "../crypto/suites.ts";
import { GroupContext } from "../messages/group_context.ts";
import type { PublicGroup } from "../public_group/public_group.ts";
import { type EpochStart, Joiner } from "../schedule/key_schedule.ts";
import { type NamedPsk, pskSecret } from "../schedule/psks.ts";
import { SecretTree } from "../schedule/secret_tree.ts";
import type { PrivateTree } from "../tree/private.ts";
import { Group, PAST_EPOCHS, type PastEpoch } from "./group.ts";

/** What the key schedule takes in besides the group context. */
export interface Inputs {
  readonly initSecret: Secret;
  readonly commitSecret: Secret;
  readonly psks: readonly NamedPsk[];
}

export function joinerOf(suite: CipherSuite, inputs: Inputs, context: GroupContext): Joiner {
  const { initSecret, commitSecret } = inputs;
  const psk = pskSecret(suite, inputs.psks);
  return Joiner.advance(suite, { initSecret, commitSecret, pskSecret: psk }, GroupContext.encode(context));
}

/** Section 12.4.2: the commit secret of a commit without a path. */
export function noPathSecret(suite: CipherSuite): Secret {
  return asSecret(new Uint8Array(suite.hash.size));
}

/** What a member brings into an epoch besides the epoch's own secrets. */
export interface Entrant {
  readonly public: PublicGroup;
  readonly private: PrivateTree;
  readonly signatureKey: SignaturePrivateKey;
  readonly past: readonly PastEpoch[];
}

/** The member's state at the beginning of an epoch. */
export function enterEpoch(entrant: Entrant, start: EpochStart): Group {
  const { suite, tree } = entrant.public;
  const keys = SecretTree.of(suite, start.encryptionSecret, tree.slots);
  return new Group({ ...entrant, secrets: start.secrets, keys, updates: new Map() });
}

/** The epoch that ends and those before it, as many as are kept. */
export function pastOf(group: Group): readonly PastEpoch[] {
  return [group.asPast(), ...group.past].slice(0, PAST_EPOCHS);
}
