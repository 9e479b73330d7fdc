// The rules of RFC 9420 that need no secret, one small function for each.

import { type Bytes, sameBytes } from "../../bytes.ts";
import { allDifferent, keyOf } from "../bytes_sets.ts";
import { encodeAs } from "../codec.ts";
import type { CipherSuite } from "../crypto/suites.ts";
import {
  ApplicationNotPrivate,
  ClientTwice,
  CommitterRemoved,
  ContextExtensionsTwice,
  CredentialTypeNotShared,
  EncryptionKeyReused,
  ExternalCommitList,
  ExternalInitNotAllowed,
  ExternalSenderUnknown,
  GroupExtensionNotSupported,
  InvalidKey,
  InvalidSignature,
  LeafChangedTwice,
  LeafKeyNotFresh,
  LeafSourceMismatch,
  MessageSignatureInvalid,
  PathCiphertextCount,
  PathLengthMismatch,
  PathMissing,
  PskNonceLength,
  PskTwice,
  PskUsageNotAllowed,
  ReInitNotAlone,
  ReInitVersionLower,
  RequiredCapabilityMissing,
  SenderNotAllowed,
  UpdateByCommitter,
  WrongEpoch,
  WrongGroup,
} from "../errors.ts";
import type { UpdatePath } from "../messages/commits.ts";
import { Credential } from "../messages/credentials.ts";
import {
  DEFAULT_EXTENSIONS,
  type Extensions,
  type RequiredCapabilities,
  checkNoDuplicates,
  externalSenders,
  requiredCapabilities,
} from "../messages/extensions.ts";
import {
  type AuthenticatedContent,
  type Content,
  type FramedContent,
  type Sender,
  checkContentSignature,
} from "../messages/framing.ts";
import type { GroupContext } from "../messages/group_context.ts";
import type { LeafIndex } from "../messages/indexes.ts";
import { checkKeyPackage } from "../messages/key_packages.ts";
import {
  type Capabilities,
  type LeafNode,
  type LeafNodeContent,
  type Place,
  checkLeafEncryptionKey,
  checkLeafExtensions,
  checkLeafSignature,
} from "../messages/leaf_nodes.ts";
import { type Add, DEFAULT_PROPOSALS, type Proposal, type ReInit, type Remove, type Update } from "../messages/proposals.ts";
import { PreSharedKeyID, type ResumptionPsk, ResumptionUsage } from "../messages/psks.ts";
import { type PathStep, pairs, recipientsOf } from "../tree/paths.ts";
import type { RatchetTree } from "../tree/ratchet_tree.ts";
import type { Policy } from "./policy.ts";
import type { ProposalList } from "./proposal_list.ts";

// Section 6: what is said, by whom, when

/** Section 6: the message is for this group. */
export function checkGroup(context: GroupContext, content: FramedContent): void {
  if (!sameBytes(content.groupId, context.groupId)) throw new WrongGroup();
}

/** Section 6: handshakes are for the current epoch and no other. */
export function checkEpoch(context: GroupContext, content: FramedContent): void {
  if (content.epoch !== context.epoch) throw new WrongEpoch();
}

/** Section 6.2: application data is never sent in a PublicMessage. */
export function checkIsHandshake(content: FramedContent): void {
  if (content.content.kind === "ApplicationData") throw new ApplicationNotPrivate();
}

const FROM_OUTSIDE: ReadonlySet<Proposal["kind"]> = new Set<Proposal["kind"]>([
  "Add",
  "Remove",
  "PreSharedKey",
  "ReInit",
  "GroupContextExtensions",
]);

/** Section 6.1 and 17.4: each kind of outsider has its own few things to say. */
export function checkSenderMaySay(content: FramedContent): void {
  if (!maySay(content.sender, content.content)) throw new SenderNotAllowed();
}

function maySay(sender: Sender, said: Content): boolean {
  switch (sender.kind) {
    case "Member":
      return true;
    case "External":
      return said.kind === "ProposalContent" && FROM_OUTSIDE.has(said.proposal.kind);
    case "NewMemberProposal":
      return said.kind === "ProposalContent" && said.proposal.kind === "Add";
    case "NewMemberCommit":
      return said.kind === "Commit" && said.path !== null;
  }
}

/** Section 6.1: the key that has to have signed; `checkSenderMaySay` comes before. */
export function senderKey(tree: RatchetTree, context: GroupContext, content: FramedContent): Bytes {
  const { sender, content: said } = content;
  switch (sender.kind) {
    case "Member":
      return tree.leaf(sender.leafIndex).signatureKey;
    case "External":
      return externalSenderKey(context, sender.senderIndex);
    case "NewMemberProposal":
      if (said.kind === "ProposalContent" && said.proposal.kind === "Add") {
        return said.proposal.keyPackage.leafNode.signatureKey;
      }
      break;
    case "NewMemberCommit":
      if (said.kind === "Commit" && said.path !== null) return said.path.leafNode.signatureKey;
  }
  throw new SenderNotAllowed();
}

function externalSenderKey(context: GroupContext, number: number): Bytes {
  const sender = externalSenders(context.extensions)[number];
  if (sender === undefined) throw new ExternalSenderUnknown();
  return sender.signatureKey;
}

/** Section 6.1: signed by its sender, by members for this very epoch. */
export async function checkSignature(
  suite: CipherSuite,
  content: AuthenticatedContent,
  key: Bytes,
  context: GroupContext,
): Promise<void> {
  try {
    await checkContentSignature(suite, content, key, context);
  } catch (error) {
    if (error instanceof InvalidSignature || error instanceof InvalidKey) throw new MessageSignatureInvalid();
    throw error;
  }
}

// Section 12.1: each proposal by itself

/** Section 12.1.1 and 10.1: the key package is valid. */
export async function checkAdd(suite: CipherSuite, proposal: Add, policy: Policy): Promise<void> {
  const { now, judge, longestLifetime } = policy;
  await checkKeyPackage(proposal.keyPackage, { now, suites: [suite.number], judge, longestLifetime });
}

/** Section 12.1.2 and 7.3: the leaf is made for this place and succeeds the old one. */
export async function checkUpdate(tree: RatchetTree, place: Place, proposal: Update, policy: Policy): Promise<void> {
  const [old, fresh] = [tree.leaf(place.leaf), proposal.leafNode];
  if (fresh.source.kind !== "UpdateSource") throw new LeafSourceMismatch();
  await checkNewLeaf(tree.suite, fresh, place, old, policy);
}

/** Section 7.3: what holds for the leaf of an update and for the leaf of a path. */
export async function checkNewLeaf(
  suite: CipherSuite,
  fresh: LeafNode,
  place: Place,
  old: LeafNode | null,
  policy: Policy,
): Promise<void> {
  await checkLeafSignature(suite, fresh, place);
  checkLeafExtensions(fresh);
  await checkLeafEncryptionKey(suite, fresh);
  checkFreshKey(fresh, old);
  const predecessor = old === null ? null : old.credential;
  await policy.judge({ credential: fresh.credential, signatureKey: fresh.signatureKey, predecessor });
}

/** Section 7.3: a leaf is replaced for its key's sake. */
export function checkFreshKey(fresh: LeafNodeContent, old: LeafNodeContent | null): void {
  if (old !== null && sameBytes(fresh.encryptionKey, old.encryptionKey)) throw new LeafKeyNotFresh();
}

/** Section 12.1.3: somebody is there. */
export function checkRemove(tree: RatchetTree, proposal: Remove): void {
  tree.leaf(proposal.removed);
}

/** Section 12.1.4: a nonce of the right length, and a key of the right kind. */
export function checkPsk(suite: CipherSuite, context: GroupContext, psk: PreSharedKeyID): void {
  if (psk.pskNonce.length !== suite.hash.size) throw new PskNonceLength();
  if (psk.kind === "ResumptionPsk") checkPskUsage(context, psk);
}

/** Section 11.2 and 11.3: reinit and branch belong to the commit that fills a new group. */
export function checkPskUsage(context: GroupContext, psk: ResumptionPsk): void {
  if (psk.usage !== ResumptionUsage.APPLICATION && context.epoch !== 0n) throw new PskUsageNotAllowed();
}

/** Section 12.1.5: never back to an older version. */
export function checkReInit(context: GroupContext, proposal: ReInit): void {
  if (proposal.version < context.version) throw new ReInitVersionLower();
  checkNoDuplicates(proposal.extensions);
}

/** Section 12.1.6: only who joins from outside has a use for it. */
export function checkExternalInitSender(sender: Sender): void {
  if (sender.kind !== "NewMemberCommit") throw new ExternalInitNotAllowed();
}

/** Section 12.1.7 and 5.3.1: readable, each once, and external senders that are known. */
export async function checkContextExtensions(extensions: Extensions, policy: Policy): Promise<void> {
  checkNoDuplicates(extensions);
  requiredCapabilities(extensions);
  for (const { credential, signatureKey } of externalSenders(extensions)) {
    await policy.judge({ credential, signatureKey, predecessor: null });
  }
}

// Section 12.2: the proposals together

/** Section 12.2: the list of a commit from inside. */
export function checkRegularList(proposals: ProposalList, committer: LeafIndex): void {
  checkNoExternalInit(proposals);
  checkCommitterStays(proposals, committer);
  checkLeavesOnce(proposals);
  checkPsksOnce(proposals);
  checkContextExtensionsOnce(proposals);
  checkReInitAlone(proposals);
}

export function checkNoExternalInit(proposals: ProposalList): void {
  if (proposals.externalInit !== null) throw new ExternalInitNotAllowed();
}

export function checkCommitterStays(proposals: ProposalList, committer: LeafIndex): void {
  if (proposals.removedLeaves.includes(committer)) throw new CommitterRemoved();
  if (proposals.updates.some(({ leaf }) => leaf === committer)) throw new UpdateByCommitter();
}

export function checkLeavesOnce(proposals: ProposalList): void {
  const leaves = [...proposals.updates.map(({ leaf }) => leaf), ...proposals.removedLeaves];
  if (new Set(leaves).size !== leaves.length) throw new LeafChangedTwice();
}

export function checkPsksOnce(proposals: ProposalList): void {
  if (!allDifferent(proposals.of("PreSharedKey").map(({ psk }) => encodeAs(PreSharedKeyID, psk)))) {
    throw new PskTwice();
  }
}

export function checkContextExtensionsOnce(proposals: ProposalList): void {
  if (proposals.of("GroupContextExtensions").length > 1) throw new ContextExtensionsTwice();
}

export function checkReInitAlone(proposals: ProposalList): void {
  if (proposals.reinit !== null && proposals.items.length > 1) throw new ReInitNotAlone();
}

const IN_EXTERNAL_COMMITS: ReadonlySet<Proposal["kind"]> = new Set<Proposal["kind"]>([
  "ExternalInit",
  "Remove",
  "PreSharedKey",
]);

/** Section 12.2: one ExternalInit, perhaps the old self's Remove, keys, nothing sent before. */
export function checkExternalList(proposals: ProposalList): void {
  const areAllowed = proposals.items.every((item) => item.isInline && IN_EXTERNAL_COMMITS.has(item.proposal.kind));
  if (!areAllowed) throw new ExternalCommitList();
  const [inits, removes] = [proposals.of("ExternalInit"), proposals.of("Remove")];
  if (inits.length !== 1 || removes.length > 1) throw new ExternalCommitList();
  checkPsksOnce(proposals);
}

// Section 12.4.2: the path

/** Section 12.4: whoever is removed or replaced must not learn the next secret. */
export function checkPathPresent(proposals: ProposalList, path: UpdatePath | null): void {
  if (path === null && proposals.needsPath) throw new PathMissing();
}

/** Section 12.4.2: the leaf was made for a commit. */
export function checkPathLeafSource(path: UpdatePath): void {
  if (path.leafNode.source.kind !== "CommitSource") throw new LeafSourceMismatch();
}

/** Section 7.5 and 7.6: a node for each step, a ciphertext for each who needs it. */
export function checkPathShape(path: UpdatePath, steps: readonly PathStep[], added: readonly LeafIndex[]): void {
  if (path.nodes.length !== steps.length) throw new PathLengthMismatch();
  for (const [node, step] of pairs(path.nodes, steps)) {
    if (node.encryptedPathSecret.length !== recipientsOf(step, added).length) throw new PathCiphertextCount();
  }
}

/** Section 12.4.2: usable keys, none of them anywhere in the tree or twice in the path. */
export async function checkPathKeys(tree: RatchetTree, path: UpdatePath): Promise<void> {
  const above = path.nodes.map((node) => node.encryptionKey);
  for (const key of above) await tree.suite.hpke.kem.checkPublicKey(key);
  const keys = [...above, path.leafNode.encryptionKey];
  const known = new Set(tree.nodes.flatMap((node) => (node === null ? [] : [keyOf(node.encryptionKey)])));
  if (!allDifferent(keys) || keys.some((key) => known.has(keyOf(key)))) throw new EncryptionKeyReused();
}

// Section 7.3: all members together

/** Section 7.3 and 12.2: the tree is one that everyone in it can live with. */
export function checkMembers(tree: RatchetTree, extensions: Extensions, policy: Policy): void {
  const leaves = tree.leaves();
  const capabilities = leaves.map((leaf) => leaf.capabilities);
  checkClientsOnce(leaves, policy);
  checkCredentialTypesShared(leaves, capabilities);
  checkExtensionsSupported(extensions, capabilities);
  const required = requiredCapabilities(extensions);
  if (required !== null) checkRequiredCapabilities(required, capabilities);
}

/** Section 12.2: no client is in the group twice, as the application counts clients. */
export function checkClientsOnce(leaves: readonly LeafNode[], policy: Policy): void {
  if (new Set(leaves.map(policy.clientOf)).size !== leaves.length) throw new ClientTwice();
}

function includesAll(needed: Iterable<number>, listed: readonly number[]): boolean {
  for (const each of needed) if (!listed.includes(each)) return false;
  return true;
}

/** Section 7.3: everyone can judge everyone's credential. */
export function checkCredentialTypesShared(leaves: readonly LeafNode[], capabilities: readonly Capabilities[]): void {
  const used = new Set(leaves.map((leaf) => Credential.tagOf(leaf.credential)));
  if (!capabilities.every((each) => includesAll(used, each.credentials))) throw new CredentialTypeNotShared();
}

/** Section 12.1.7: every member supports every extension of the group. */
export function checkExtensionsSupported(extensions: Extensions, capabilities: readonly Capabilities[]): void {
  const needed = extensions.map((each) => each.extensionType).filter((type) => !DEFAULT_EXTENSIONS.has(type));
  if (!capabilities.every((each) => includesAll(needed, each.extensions))) throw new GroupExtensionNotSupported();
}

/** Section 11.1: every member supports what the group requires. */
export function checkRequiredCapabilities(required: RequiredCapabilities, capabilities: readonly Capabilities[]): void {
  const extensions = required.extensionTypes.filter((type) => !DEFAULT_EXTENSIONS.has(type));
  const proposals = required.proposalTypes.filter((type) => !DEFAULT_PROPOSALS.has(type));
  for (const each of capabilities) {
    const isMet =
      includesAll(extensions, each.extensions) &&
      includesAll(proposals, each.proposals) &&
      includesAll(required.credentialTypes, each.credentials);
    if (!isMet) throw new RequiredCapabilityMissing();
  }
}
