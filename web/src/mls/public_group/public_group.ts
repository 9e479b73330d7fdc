// The state of a group without its secrets: what a delivery service holds and checks with.

import { type Bytes, sameBytes } from "../../bytes.ts";
import { replace, sameValue } from "../codec.ts";
import { type CipherSuite, cipherSuite } from "../crypto/suites.ts";
import {
  GroupClosed,
  GroupInfoMismatch,
  SenderNotAllowed,
  TreeHashMismatch,
  TreeMissing,
  UnsupportedVersion,
} from "../errors.ts";
import { checkNoDuplicates } from "../messages/extensions.ts";
import { type AuthenticatedContent, type PublicMessage, authenticatedOf, proposalReference } from "../messages/framing.ts";
import { GroupContext } from "../messages/group_context.ts";
import { type GroupInfo, checkGroupInfoSignature, ratchetTreeOf } from "../messages/group_info.ts";
import type { LeafIndex } from "../messages/indexes.ts";
import {
  type LeafNode,
  MLS10,
  checkLeafEncryptionKey,
  checkLeafExtensions,
  checkLeafSignature,
  isFromKeyPackage,
} from "../messages/leaf_nodes.ts";
import type { ReInit } from "../messages/proposals.ts";
import { RatchetTreeExtension } from "../messages/ratchet_tree.ts";
import { treeHash } from "../tree/hashes.ts";
import { RatchetTree } from "../tree/ratchet_tree.ts";
import { checkTree } from "../tree/validation.ts";
import * as checks from "./checks.ts";
import type { Policy } from "./policy.ts";
import { ProposalList, type Waiting, sentOf, waitingOf } from "./proposal_list.ts";
import { confirmedTranscriptHash, interimTranscriptHash } from "./transcript.ts";
import { type Changes, changesOf, checkProposal } from "./transition.ts";

/** A commit that passed every public check; its confirmation tag is the members' to judge. */
export interface Staged {
  readonly changes: Changes;
  readonly provisional: GroupContext;
  readonly context: GroupContext;
  readonly group: PublicGroup;
}

/** Tree, context, transcript and the proposals that wait for a commit. */
export class PublicGroup {
  constructor(
    readonly context: GroupContext,
    readonly tree: RatchetTree,
    readonly confirmationTag: Bytes,
    readonly proposals: Waiting = new Map(),
    readonly reinit: ReInit | null = null,
  ) {}

  /**
   * Section 12.4.3.1: a state from outside, with everything checked that it says.
   *
   * The tree is the one beside the GroupInfo or else the one inside it.
   */
  static async fromGroupInfo(
    info: GroupInfo,
    policy: Policy,
    tree: RatchetTreeExtension | null = null,
  ): Promise<PublicGroup> {
    const context = info.groupContext;
    if (context.version !== MLS10) throw new UnsupportedVersion();
    const suite = cipherSuite(context.cipherSuite);
    const nodes = tree ?? ratchetTreeOf(info);
    if (nodes === null) throw new TreeMissing();
    const ratchetTree = RatchetTree.fromExtension(suite, nodes);
    await checkGroupInfoSignature(suite, info, ratchetTree.leaf(info.signer).signatureKey);
    if (!sameBytes(treeHash(ratchetTree), context.treeHash)) throw new TreeHashMismatch();
    checkTree(ratchetTree);
    await checkLeaves(ratchetTree, context, policy);
    await checks.checkContextExtensions(context.extensions, policy);
    checkNoDuplicates(info.extensions);
    return new PublicGroup(context, ratchetTree, info.confirmationTag);
  }

  get suite(): CipherSuite {
    return this.tree.suite;
  }

  /** Section 8.2, which the first commit of a group extends like any other. */
  get interimTranscriptHash(): Bytes {
    return interimTranscriptHash(this.suite, this.context.confirmedTranscriptHash, this.confirmationTag);
  }

  /** The state after a handshake message, or one of the engine's errors. */
  async receive(message: PublicMessage, policy: Policy): Promise<PublicGroup> {
    checks.checkIsHandshake(message.content);
    const content = authenticatedOf(message);
    await this.checkContent(content);
    if (content.content.content.kind === "Commit") return (await this.stage(content, policy)).group;
    return this.withProposal(content, policy);
  }

  /**
   * What a commit changes, whom it adds and removes, and the state after it.
   *
   * Rejects with `SenderNotAllowed` if the message carries no commit.
   */
  async receiveCommit(message: PublicMessage, policy: Policy): Promise<Staged> {
    const content = authenticatedOf(message);
    if (content.content.content.kind !== "Commit") throw new SenderNotAllowed();
    await this.checkContent(content);
    return this.stage(content, policy);
  }

  /** Section 6 and 6.1: for this group and epoch, from one who may, and signed. */
  async checkContent(content: AuthenticatedContent): Promise<void> {
    if (this.reinit !== null) throw new GroupClosed();
    const framed = content.content;
    checks.checkGroup(this.context, framed);
    checks.checkEpoch(this.context, framed);
    checks.checkSenderMaySay(framed);
    const key = checks.senderKey(this.tree, this.context, framed);
    await checks.checkSignature(this.suite, content, key, this.context);
  }

  /** Section 12.1: keep a checked message's proposal for a commit to refer to. */
  async withProposal(content: AuthenticatedContent, policy: Policy): Promise<PublicGroup> {
    const sent = sentOf(proposalReference(this.suite, content), content);
    await checkProposal(this.context, this.tree, sent.proposal, sent.sender, policy);
    return replace<PublicGroup>(this, { proposals: new Map([...this.proposals, ...waitingOf([sent])]) });
  }

  /** Section 12.4.2: everything about a checked message's commit that needs no secret. */
  async stage(content: AuthenticatedContent, policy: Policy): Promise<Staged> {
    const commit = content.content.content;
    if (commit.kind !== "Commit") throw new TypeError("only a commit can be staged");
    const { sender } = content.content;
    const proposals = ProposalList.resolve(commit.proposals, sender, this.proposals);
    const changes = await changesOf(this.context, this.tree, proposals, sender, policy);
    checks.checkPathPresent(proposals, commit.path);
    const tree = commit.path === null ? changes.tree : await changes.merge(commit.path, policy);
    const provisional = changes.finish(tree, policy);
    const context = this.confirmed(provisional, content);
    const tag = content.auth.confirmationTag ?? new Uint8Array(0);
    const group = new PublicGroup(context, tree, tag, new Map(), proposals.reinit);
    return { changes, provisional, context, group };
  }

  /** Section 12.4.2: the new context, which names the commit that led to it. */
  confirmed(provisional: GroupContext, commit: AuthenticatedContent): GroupContext {
    const hash = confirmedTranscriptHash(this.suite, this.interimTranscriptHash, commit);
    return replace(provisional, { confirmedTranscriptHash: hash });
  }

  /** That a member's GroupInfo describes this very state; rejects with `GroupInfoRefused`. */
  async checkGroupInfo(info: GroupInfo): Promise<void> {
    await checkGroupInfoSignature(this.suite, info, this.tree.leaf(info.signer).signatureKey);
    const isSame =
      sameValue(GroupContext, info.groupContext, this.context) &&
      sameBytes(info.confirmationTag, this.confirmationTag);
    if (!isSame) throw new GroupInfoMismatch();
    const tree = ratchetTreeOf(info);
    if (tree !== null && !sameValue(RatchetTreeExtension, tree, this.tree.toExtension())) {
      throw new GroupInfoMismatch();
    }
    checkNoDuplicates(info.extensions);
  }
}

/** Section 12.4.3.1 and 7.3: every member's leaf is valid where it is. */
async function checkLeaves(tree: RatchetTree, context: GroupContext, policy: Policy): Promise<void> {
  // All at once, for WebCrypto works in parallel; the first of them that fails is the one told.
  const judged = tree.members().map(([index, leaf]) => checkLeaf(tree.suite, context, index, leaf, policy));
  for (const outcome of await Promise.allSettled(judged)) {
    if (outcome.status === "rejected") throw outcome.reason;
  }
  checks.checkMembers(tree, context.extensions, policy);
}

async function checkLeaf(
  suite: CipherSuite,
  context: GroupContext,
  index: LeafIndex,
  leaf: LeafNode,
  policy: Policy,
): Promise<void> {
  const place = isFromKeyPackage(leaf) ? null : { groupId: context.groupId, leaf: index };
  await checkLeafSignature(suite, leaf, place);
  checkLeafExtensions(leaf);
  await checkLeafEncryptionKey(suite, leaf);
  await policy.judge({ credential: leaf.credential, signatureKey: leaf.signatureKey, predecessor: null });
}
