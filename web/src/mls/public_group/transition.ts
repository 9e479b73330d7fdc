// RFC 9420 sections 12.3 and 12.4: from one epoch's public state to the next.
//
// Making a commit and checking one take the same steps in the same order:
//
//     changesOf         the list is valid, and applied to the tree
//     Changes.merge     the path is valid, and merged into the tree
//     Changes.finish    the members suit each other; the provisional context

import { sameBytes } from "../../bytes.ts";
import { replace } from "../codec.ts";
import { BlankLeaf, PathParentHashMismatch } from "../errors.ts";
import type { UpdatePath } from "../messages/commits.ts";
import type { Extensions } from "../messages/extensions.ts";
import type { Sender } from "../messages/framing.ts";
import type { GroupContext } from "../messages/group_context.ts";
import { type LeafIndex, asLeafIndex } from "../messages/indexes.ts";
import type { UncheckedKeyPackage } from "../messages/key_packages.ts";
import type { LeafNode, Place } from "../messages/leaf_nodes.ts";
import type { Proposal } from "../messages/proposals.ts";
import { treeHash } from "../tree/hashes.ts";
import { type PathStep, filteredPath, withLeaf, withPathKeys } from "../tree/paths.ts";
import type { RatchetTree } from "../tree/ratchet_tree.ts";
import { checkUniqueKeys } from "../tree/validation.ts";
import * as checks from "./checks.ts";
import type { Policy } from "./policy.ts";
import type { ProposalList } from "./proposal_list.ts";

/** A new member and where it sits. */
export interface Added {
  readonly leaf: LeafIndex;
  readonly keyPackage: UncheckedKeyPackage;
}

/** What the proposals of a commit make of a group. */
export interface Applied {
  readonly context: GroupContext;
  readonly proposals: ProposalList;
  readonly tree: RatchetTree;
  readonly extensions: Extensions;
  readonly added: readonly Added[];
}

/** A valid list of proposals, applied; the committer's path is not. */
export class Changes implements Applied {
  readonly context: GroupContext;
  readonly proposals: ProposalList;
  readonly tree: RatchetTree;
  readonly extensions: Extensions;
  readonly added: readonly Added[];

  constructor(
    applied: Applied,
    readonly committer: LeafIndex,
    readonly replaced: LeafNode | null,
  ) {
    this.context = applied.context;
    this.proposals = applied.proposals;
    this.tree = applied.tree;
    this.extensions = applied.extensions;
    this.added = applied.added;
  }

  get place(): Place {
    return { groupId: this.context.groupId, leaf: this.committer };
  }

  get addedLeaves(): readonly LeafIndex[] {
    return this.added.map((added) => added.leaf);
  }

  get steps(): readonly PathStep[] {
    return filteredPath(this.tree, this.committer);
  }

  /** Section 12.4.2: the tree with the path in it, if the path is what it has to be. */
  async merge(path: UpdatePath, policy: Policy): Promise<RatchetTree> {
    const { steps, tree } = this;
    checks.checkPathLeafSource(path);
    checks.checkPathShape(path, steps, this.addedLeaves);
    await checks.checkNewLeaf(tree.suite, path.leafNode, this.place, this.replaced, policy);
    await checks.checkPathKeys(tree, path);
    const keys = path.nodes.map((node) => node.encryptionKey);
    const merged = withPathKeys(tree, this.committer, steps, keys);
    const { source } = path.leafNode;
    const isBound = source.kind === "CommitSource" && sameBytes(source.parentHash, merged.leafParentHash);
    if (!isBound) throw new PathParentHashMismatch();
    return withLeaf(merged, this.committer, path.leafNode);
  }

  /** Section 12.4.2: the provisional context, if the members of the tree may be together. */
  finish(tree: RatchetTree, policy: Policy): GroupContext {
    checkUniqueKeys(tree);
    checks.checkMembers(tree, this.extensions, policy);
    return replace(this.context, {
      epoch: this.context.epoch + 1n,
      treeHash: treeHash(tree),
      extensions: this.extensions,
    });
  }
}

/** Section 12.2 and 12.3; proposals sent before were checked when they came. */
export async function changesOf(
  context: GroupContext,
  tree: RatchetTree,
  proposals: ProposalList,
  sender: Sender,
  policy: Policy,
): Promise<Changes> {
  checkList(proposals, sender);
  for (const item of proposals.items) {
    if (item.isInline) await checkProposal(context, tree, item.proposal, item.sender, policy);
  }
  const applied = applyProposals(context, tree, proposals);
  if (sender.kind === "Member") {
    return new Changes(applied, sender.leafIndex, applied.tree.leafOrNull(sender.leafIndex));
  }
  return withPlaceForJoiner(applied, tree);
}

/** Section 12.2: the proposals go together, in a commit from this sender. */
export function checkList(proposals: ProposalList, sender: Sender): void {
  if (sender.kind === "Member") checks.checkRegularList(proposals, sender.leafIndex);
  else checks.checkExternalList(proposals);
}

/** Section 12.1: the proposal is valid by itself, in this epoch and from this sender. */
export async function checkProposal(
  context: GroupContext,
  tree: RatchetTree,
  proposal: Proposal,
  sender: Sender,
  policy: Policy,
): Promise<void> {
  switch (proposal.kind) {
    case "Add":
      return checks.checkAdd(tree.suite, proposal, policy);
    case "Update": {
      const place = { groupId: context.groupId, leaf: memberLeaf(sender) };
      return checks.checkUpdate(tree, place, proposal, policy);
    }
    case "Remove":
      return checks.checkRemove(tree, proposal);
    case "PreSharedKey":
      return checks.checkPsk(tree.suite, context, proposal.psk);
    case "ReInit":
      return checks.checkReInit(context, proposal);
    case "ExternalInit":
      return checks.checkExternalInitSender(sender);
    case "GroupContextExtensions":
      return checks.checkContextExtensions(proposal.extensions, policy);
  }
}

function memberLeaf(sender: Sender): LeafIndex {
  if (sender.kind !== "Member") throw new BlankLeaf();
  return sender.leafIndex;
}

/** Section 12.3: extensions, updates, removals, additions, in this order. */
export function applyProposals(context: GroupContext, tree: RatchetTree, proposals: ProposalList): Applied {
  const edit = tree.edit();
  for (const { leaf, update } of proposals.updates) edit.update(leaf, update.leafNode);
  for (const leaf of proposals.removedLeaves) edit.remove(leaf);
  edit.truncate();
  const added = proposals.of("Add").map(({ keyPackage }) => ({ leaf: edit.add(keyPackage.leafNode), keyPackage }));
  const extensions = proposals.contextExtensions?.extensions ?? context.extensions;
  return { context, proposals, tree: edit.finish(), extensions, added };
}

/** Section 12.4.2: the leftmost blank leaf; a removed old self is the one it succeeds. */
function withPlaceForJoiner(applied: Applied, before: RatchetTree): Changes {
  const edit = applied.tree.edit();
  const leaf = edit.leftmostBlank();
  const [removed] = applied.proposals.removedLeaves;
  const replaced = removed === undefined ? null : before.leaf(removed);
  return new Changes({ ...applied, tree: edit.finish() }, asLeafIndex(leaf), replaced);
}
