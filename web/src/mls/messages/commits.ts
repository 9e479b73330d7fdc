// RFC 9420 section 12.4 and 7.6: commits and the paths they carry.

import { type ValueOf, opaque, optional, select, struct, vector } from "../codec.ts";
import { HPKECiphertext } from "../crypto/hpke.ts";
import { LeafNode } from "./leaf_nodes.ts";
import { Proposal } from "./proposals.ts";

/** How a commit names a proposal. */
export const ProposalOrRefType = { PROPOSAL: 1, REFERENCE: 2 } as const;

/** The committer's own proposal, in the commit itself. */
export const InlineProposal = struct("InlineProposal", { proposal: Proposal });
export type InlineProposal = ValueOf<typeof InlineProposal>;

/** A proposal sent before, named by its hash (ProposalRef, section 5.2). */
export const ProposalReference = struct("ProposalReference", { reference: opaque });
export type ProposalReference = ValueOf<typeof ProposalReference>;

export const ProposalOrRef = select(1, {
  [ProposalOrRefType.PROPOSAL]: InlineProposal,
  [ProposalOrRefType.REFERENCE]: ProposalReference,
});
export type ProposalOrRef = ValueOf<typeof ProposalOrRef>;

/** A new key on the path, its secret sealed to each node below that needs it. */
export const UpdatePathNode = struct("UpdatePathNode", {
  encryptionKey: opaque,
  encryptedPathSecret: vector(HPKECiphertext),
});
export type UpdatePathNode = ValueOf<typeof UpdatePathNode>;

/** The committer's new leaf and the new keys above it. */
export const UpdatePath = struct("UpdatePath", { leafNode: LeafNode, nodes: vector(UpdatePathNode) });
export type UpdatePath = ValueOf<typeof UpdatePath>;

/** The proposals that take effect, in order, and the committer's new path. */
export const Commit = struct("Commit", { proposals: vector(ProposalOrRef), path: optional(UpdatePath) });
export type Commit = ValueOf<typeof Commit>;
