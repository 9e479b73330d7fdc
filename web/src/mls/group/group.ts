// The state of one member of one group in one epoch, and what can be read from it.

import { type Bytes, sameBytes } from "../../bytes.ts";
import { replace } from "../codec.ts";
import type { HpkePrivateKey, Secret, SignaturePrivateKey } from "../crypto/secrets.ts";
import type { CipherSuite } from "../crypto/suites.ts";
import { PskUnknown } from "../errors.ts";
import { Extension, ExtensionType, type Extensions, ExternalPub } from "../messages/extensions.ts";
import type { GroupContext } from "../messages/group_context.ts";
import { type GroupInfo, signGroupInfo } from "../messages/group_info.ts";
import type { LeafIndex } from "../messages/indexes.ts";
import type { PreSharedKeyID, ResumptionPsk } from "../messages/psks.ts";
import { RatchetTreeExtension } from "../messages/ratchet_tree.ts";
import type { PublicGroup } from "../public_group/public_group.ts";
import { type EpochSecrets, exportSecret, externalKeyPair } from "../schedule/key_schedule.ts";
import type { NamedPsk } from "../schedule/psks.ts";
import type { SecretTree } from "../schedule/secret_tree.ts";
import type { PrivateTree } from "../tree/private.ts";
import type { RatchetTree } from "../tree/ratchet_tree.ts";

/** How many epochs back messages still open and resumption keys are still known. */
export const PAST_EPOCHS = 4;

/** Finds keys that the group does not know itself: external ones, and those of other groups. */
export type PskSource = (psk: PreSharedKeyID) => Secret | null;

export const noPsks: PskSource = () => null;

/** The private keys of an Update that was proposed and not yet committed. */
export interface PendingUpdate {
  readonly reference: Bytes;
  readonly encryptionKey: HpkePrivateKey;
  readonly signatureKey: SignaturePrivateKey;
}

/** What it takes to open late messages, with the tree of their time. */
export interface PastEpoch {
  readonly context: GroupContext;
  readonly tree: RatchetTree;
  readonly senderDataSecret: Secret;
  readonly keys: SecretTree;
  readonly resumptionPsk: Secret;
}

/** A member's whole state. */
export interface GroupParts {
  readonly public: PublicGroup;
  readonly private: PrivateTree;
  readonly signatureKey: SignaturePrivateKey;
  readonly secrets: EpochSecrets;
  readonly keys: SecretTree;
  /** By reference (see `keyOf`). */
  readonly updates: ReadonlyMap<string, PendingUpdate>;
  readonly past: readonly PastEpoch[];
}

/** Nothing in it changes; operations return the next one. */
export class Group implements GroupParts {
  readonly public: PublicGroup;
  readonly private: PrivateTree;
  readonly signatureKey: SignaturePrivateKey;
  readonly secrets: EpochSecrets;
  readonly keys: SecretTree;
  readonly updates: ReadonlyMap<string, PendingUpdate>;
  readonly past: readonly PastEpoch[];

  constructor(parts: GroupParts) {
    this.public = parts.public;
    this.private = parts.private;
    this.signatureKey = parts.signatureKey;
    this.secrets = parts.secrets;
    this.keys = parts.keys;
    this.updates = parts.updates;
    this.past = parts.past;
  }

  get suite(): CipherSuite {
    return this.public.suite;
  }

  get context(): GroupContext {
    return this.public.context;
  }

  get groupId(): Bytes {
    return this.context.groupId;
  }

  get epoch(): bigint {
    return this.context.epoch;
  }

  get tree(): RatchetTree {
    return this.public.tree;
  }

  get ownLeaf(): LeafIndex {
    return this.private.leaf;
  }

  /** Section 8.7: equal for all who are in the same state. */
  get epochAuthenticator(): Secret {
    return this.secrets.epochAuthenticator;
  }

  /** The members whose removal was proposed and not yet committed. */
  get waitingRemovals(): readonly LeafIndex[] {
    return [...this.public.proposals.values()].flatMap(({ proposal }) =>
      proposal.kind === "Remove" ? [proposal.removed] : [],
    );
  }

  with(changes: Partial<GroupParts>): Group {
    return replace<Group>(this, changes);
  }

  /** MLS-Exporter, section 8.5: a secret for use outside, bound to this epoch. */
  export(label: string, context: Bytes, length: number): Secret {
    return exportSecret(this.suite, this.secrets, label, context, length);
  }

  /** Section 12.4.3: this state for those who want in, with the key to join from outside. */
  async groupInfo(options: { readonly withTree: boolean }): Promise<GroupInfo> {
    const info = {
      groupContext: this.context,
      extensions: await this.#ownExtensions(options.withTree),
      confirmationTag: this.public.confirmationTag,
      signer: this.ownLeaf,
    };
    return signGroupInfo(this.suite, this.signatureKey, info);
  }

  async #ownExtensions(withTree: boolean): Promise<Extensions> {
    const externalPub = (await externalKeyPair(this.suite, this.secrets)).public;
    const extensionData = ExternalPub.encode(ExternalPub.of({ externalPub }));
    const key = Extension.of({ extensionType: ExtensionType.EXTERNAL_PUB, extensionData });
    if (!withTree) return [key];
    const nodes = RatchetTreeExtension.encode(this.tree.toExtension());
    return [Extension.of({ extensionType: ExtensionType.RATCHET_TREE, extensionData: nodes }), key];
  }

  /** Section 8.6: the key of this epoch or of one not long past. */
  resumptionPsk(psk: ResumptionPsk): Secret | null {
    if (!sameBytes(psk.groupId, this.groupId)) return null;
    if (psk.epoch === this.epoch) return this.secrets.resumptionPsk;
    return this.past.find((past) => past.context.epoch === psk.epoch)?.resumptionPsk ?? null;
  }

  /** The key of that name; throws `PskUnknown`. */
  findPsk(psk: PreSharedKeyID, source: PskSource): NamedPsk {
    const own = psk.kind === "ResumptionPsk" ? this.resumptionPsk(psk) : null;
    return own === null ? namedPsk(psk, source) : { id: psk, secret: own };
  }

  asPast(): PastEpoch {
    return {
      context: this.context,
      tree: this.tree,
      senderDataSecret: this.secrets.senderDataSecret,
      keys: this.keys,
      resumptionPsk: this.secrets.resumptionPsk,
    };
  }
}

export function namedPsk(psk: PreSharedKeyID, source: PskSource): NamedPsk {
  const secret = source(psk);
  if (secret === null) throw new PskUnknown();
  return { id: psk, secret };
}
