// RFC 9420 section 12.1: what can be proposed.

import { type ValueOf, opaque, select, struct, uint16, vector } from "../codec.ts";
import { Extension } from "./extensions.ts";
import { leafIndex } from "./indexes.ts";
import { UncheckedKeyPackage } from "./key_packages.ts";
import { LeafNode } from "./leaf_nodes.ts";
import { PreSharedKeyID } from "./psks.ts";

/** Section 17.4. */
export const ProposalType = {
  ADD: 1,
  UPDATE: 2,
  REMOVE: 3,
  PSK: 4,
  REINIT: 5,
  EXTERNAL_INIT: 6,
  GROUP_CONTEXT_EXTENSIONS: 7,
} as const;

/** Implemented by everyone, so nobody lists them (section 7.2). */
export const DEFAULT_PROPOSALS: ReadonlySet<number> = new Set(Object.values(ProposalType));

/** Add the client of this key package. */
export const Add = struct("Add", { keyPackage: UncheckedKeyPackage });
export type Add = ValueOf<typeof Add>;

/** Replace the sender's leaf. */
export const Update = struct("Update", { leafNode: LeafNode });
export type Update = ValueOf<typeof Update>;

/** Remove the member at this leaf. */
export const Remove = struct("Remove", { removed: leafIndex });
export type Remove = ValueOf<typeof Remove>;

/** Mix this key into the next epoch. */
export const PreSharedKey = struct("PreSharedKey", { psk: PreSharedKeyID });
export type PreSharedKey = ValueOf<typeof PreSharedKey>;

/** Close the group and open another with these parameters. */
export const ReInit = struct("ReInit", {
  groupId: opaque,
  version: uint16,
  cipherSuite: uint16,
  extensions: vector(Extension),
});
export type ReInit = ValueOf<typeof ReInit>;

/** Join from outside with the secret encapsulated here. */
export const ExternalInit = struct("ExternalInit", { kemOutput: opaque });
export type ExternalInit = ValueOf<typeof ExternalInit>;

/** Replace all extensions of the group context. */
export const GroupContextExtensions = struct("GroupContextExtensions", { extensions: vector(Extension) });
export type GroupContextExtensions = ValueOf<typeof GroupContextExtensions>;

export const Proposal = select(2, {
  [ProposalType.ADD]: Add,
  [ProposalType.UPDATE]: Update,
  [ProposalType.REMOVE]: Remove,
  [ProposalType.PSK]: PreSharedKey,
  [ProposalType.REINIT]: ReInit,
  [ProposalType.EXTERNAL_INIT]: ExternalInit,
  [ProposalType.GROUP_CONTEXT_EXTENSIONS]: GroupContextExtensions,
});
export type Proposal = ValueOf<typeof Proposal>;
