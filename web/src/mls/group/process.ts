// RFC 9420 sections 6 and 12.4.2: receiving what the others say.

import { type Bytes, sameBytes } from "../../bytes.ts";
import { keyOf } from "../bytes_sets.ts";
import type { Secret } from "../crypto/secrets.ts";
import { GroupClosed, OwnMessage, SenderNotAllowed, WrongEpoch, WrongGroup } from "../errors.ts";
import type { Commit } from "../messages/commits.ts";
import {
  type ApplicationData,
  type AuthenticatedContent,
  ContentType,
  Member,
  type PrivateMessage,
  type PublicMessage,
  type Sender,
  authenticatedOf,
  membershipContent,
  proposalReference,
} from "../messages/framing.ts";
import { GroupContext } from "../messages/group_context.ts";
import type { LeafIndex } from "../messages/indexes.ts";
import type { LeafNode } from "../messages/leaf_nodes.ts";
import type { MLSMessage } from "../messages/mls_message.ts";
import type { Proposal } from "../messages/proposals.ts";
import * as checks from "../public_group/checks.ts";
import type { Policy } from "../public_group/policy.ts";
import { sentOf } from "../public_group/proposal_list.ts";
import type { Staged } from "../public_group/public_group.ts";
import type { Changes } from "../public_group/transition.ts";
import { checkConfirmationTag, checkMembershipTag, externalKeyPair, openExternalInit } from "../schedule/key_schedule.ts";
import { decrypt, openSenderData } from "../schedule/private_messages.ts";
import type { SecretTree } from "../schedule/secret_tree.ts";
import { nodeOf } from "../tree/math.ts";
import { type PrivateTree, openPath, privateKeysOf } from "../tree/private.ts";
import { enterEpoch, joinerOf, noPathSecret, pastOf } from "./advance.ts";
import { pskNames } from "./commit.ts";
import { type Group, type PastEpoch, type PendingUpdate, type PskSource, noPsks } from "./group.ts";

/** A member said something. `epoch` may be a past one; `leaf` is the sender's of that epoch. */
export interface ApplicationMessage {
  readonly kind: "ApplicationMessage";
  readonly data: Bytes;
  readonly authenticatedData: Bytes;
  readonly epoch: bigint;
  readonly sender: LeafIndex;
  readonly leaf: LeafNode;
  readonly group: Group;
}

/** Someone proposed something, and it waits for a commit. */
export interface ProposalReceived {
  readonly kind: "ProposalReceived";
  readonly proposal: Proposal;
  readonly reference: Bytes;
  readonly sender: Sender;
  readonly authenticatedData: Bytes;
  readonly group: Group;
}

/** The group entered its next epoch. */
export interface CommitReceived {
  readonly kind: "CommitReceived";
  readonly changes: Changes;
  readonly authenticatedData: Bytes;
  readonly group: Group;
}

/** A commit removed this member: forget the group. The commit is signed, not confirmed. */
export interface RemovedFromGroup {
  readonly kind: "RemovedFromGroup";
  readonly changes: Changes;
  readonly authenticatedData: Bytes;
}

export type Received = ApplicationMessage | ProposalReceived | CommitReceived | RemovedFromGroup;

/** Authentic content and the group without the key it took. */
interface Opened {
  readonly content: AuthenticatedContent;
  readonly group: Group;
  readonly leaf: LeafNode | null;
}

/** What the message says and the group after it; on any error the old group stays as it is. */
export async function process(
  group: Group,
  message: MLSMessage,
  policy: Policy,
  psks: PskSource = noPsks,
): Promise<Received> {
  const opened = await open(group, message.body);
  const said = opened.content.content.content;
  switch (said.kind) {
    case "ApplicationData":
      return application(opened, said);
    case "Commit":
      return takeCommit(opened, said, policy, psks);
    case "ProposalContent":
      return takeProposal(opened, policy);
  }
}

async function open(group: Group, body: MLSMessage["body"]): Promise<Opened> {
  if (body.kind === "PublicMessage") return openPublic(group, body);
  if (body.kind === "PrivateMessage") return openPrivate(group, body);
  throw new SenderNotAllowed();
}

/** Section 6.2: from inside the group, or from one of the few outside who may speak. */
async function openPublic(group: Group, message: PublicMessage): Promise<Opened> {
  checks.checkIsHandshake(message.content);
  const content = authenticatedOf(message);
  checks.checkGroup(group.context, message.content);
  checks.checkEpoch(group.context, message.content);
  if (message.content.sender.kind === "Member") {
    const tagged = membershipContent(content, group.context);
    checkMembershipTag(group.suite, group.secrets, tagged, message.membershipTag);
  }
  await group.public.checkContent(content);
  checkNotOwn(group, message.content.sender);
  return { content, group, leaf: null };
}

function checkNotOwn(group: Group, sender: Sender): void {
  if (sender.kind === "Member" && sender.leafIndex === group.ownLeaf) throw new OwnMessage();
}

/** Section 6.3: the keys change only after decryption and signature both succeeded. */
async function openPrivate(group: Group, message: PrivateMessage): Promise<Opened> {
  if (!sameBytes(message.groupId, group.groupId)) throw new WrongGroup();
  if (message.epoch === group.epoch) return openCurrent(group, message);
  if (message.contentType !== ContentType.APPLICATION) throw new WrongEpoch();
  return openPast(group, message);
}

async function openCurrent(group: Group, message: PrivateMessage): Promise<Opened> {
  if (group.public.reinit !== null) throw new GroupClosed();
  const { leaf, content, keys } = await decryptIn(group, group.asPast(), message);
  return { content, group: group.with({ keys }), leaf };
}

async function openPast(group: Group, message: PrivateMessage): Promise<Opened> {
  const past = group.past.find((each) => each.context.epoch === message.epoch);
  if (past === undefined) throw new WrongEpoch();
  const { leaf, content, keys } = await decryptIn(group, past, message);
  const changed = group.past.map((each) => (each === past ? { ...past, keys } : each));
  return { content, group: group.with({ past: changed }), leaf };
}

interface DecryptedIn {
  readonly leaf: LeafNode;
  readonly content: AuthenticatedContent;
  readonly keys: SecretTree;
}

/** Decrypted with the keys and judged by the tree of an epoch, current or past. */
async function decryptIn(group: Group, epoch: PastEpoch, message: PrivateMessage): Promise<DecryptedIn> {
  const sender = await openSenderData(group.suite, epoch.senderDataSecret, message);
  const leaf = epoch.tree.leaf(sender.leafIndex);
  checkNotOwn(group, Member.of({ leafIndex: sender.leafIndex }));
  const { content, keys } = await decrypt(epoch.keys, sender, message);
  await checks.checkSignature(group.suite, content, leaf.signatureKey, epoch.context);
  return { leaf, content, keys };
}

function application(opened: Opened, said: ApplicationData): ApplicationMessage {
  const framed = opened.content.content;
  if (framed.sender.kind !== "Member" || opened.leaf === null) throw new SenderNotAllowed();
  return {
    kind: "ApplicationMessage",
    data: said.data,
    authenticatedData: framed.authenticatedData,
    epoch: framed.epoch,
    sender: framed.sender.leafIndex,
    leaf: opened.leaf,
    group: opened.group,
  };
}

async function takeProposal(opened: Opened, policy: Policy): Promise<ProposalReceived> {
  const { group, content } = opened;
  const after = await group.public.withProposal(content, policy);
  const { reference, proposal, sender } = sentOf(proposalReference(group.suite, content), content);
  const { authenticatedData } = content.content;
  return { kind: "ProposalReceived", proposal, reference, sender, authenticatedData, group: group.with({ public: after }) };
}

/** Section 12.4.2, the rules in `public_group` first, the secrets after. */
async function takeCommit(
  opened: Opened,
  commit: Commit,
  policy: Policy,
  psks: PskSource,
): Promise<CommitReceived | RemovedFromGroup> {
  const { group, content } = opened;
  const staged = await group.public.stage(content, policy);
  const { changes, context } = staged;
  const { authenticatedData } = content.content;
  if (changes.proposals.removedLeaves.includes(group.ownLeaf)) {
    return { kind: "RemovedFromGroup", changes, authenticatedData };
  }
  const update = ownUpdate(group, commit);
  const taken = await takePath(privateBeforePath(group, changes, update), staged, commit);
  const inputs = {
    initSecret: await initSecret(group, changes),
    commitSecret: taken.commitSecret,
    psks: pskNames(changes.proposals).map((psk) => group.findPsk(psk, psks)),
  };
  const start = joinerOf(group.suite, inputs, context).epochSecrets(GroupContext.encode(context));
  const { confirmationTag } = content.auth;
  checkConfirmationTag(group.suite, start.secrets, context.confirmedTranscriptHash, confirmationTag);
  const signatureKey = update === null ? group.signatureKey : update.signatureKey;
  const entrant = { public: staged.group, private: taken.private, signatureKey, past: pastOf(group) };
  return { kind: "CommitReceived", changes, authenticatedData, group: enterEpoch(entrant, start) };
}

/** The keys of the own Update that the commit refers to, if it refers to one. */
function ownUpdate(group: Group, commit: Commit): PendingUpdate | null {
  for (const item of commit.proposals) {
    const update = item.kind === "ProposalReference" ? group.updates.get(keyOf(item.reference)) : undefined;
    if (update !== undefined) return update;
  }
  return null;
}

function privateBeforePath(group: Group, changes: Changes, update: PendingUpdate | null): PrivateTree {
  const kept = group.private.keptFor(group.tree, changes.tree);
  return update === null ? kept : kept.withKeys(new Map([[nodeOf(group.ownLeaf), update.encryptionKey]]));
}

interface TakenPath {
  readonly private: PrivateTree;
  readonly commitSecret: Secret;
}

/** The keys after the commit and its secret; without a path, zeros. */
async function takePath(own: PrivateTree, staged: Staged, commit: Commit): Promise<TakenPath> {
  const { changes, group } = staged;
  if (commit.path === null) return { private: own, commitSecret: noPathSecret(group.suite) };
  const where = { added: changes.addedLeaves, context: GroupContext.encode(staged.provisional) };
  const found = await openPath(changes.tree, own, changes.committer, commit.path, where);
  const kept = own.keptFor(changes.tree, group.tree);
  return { private: kept.withKeys(privateKeysOf(found)), commitSecret: found.commitSecret };
}

async function initSecret(group: Group, changes: Changes): Promise<Secret> {
  const external = changes.proposals.externalInit;
  if (external === null) return group.secrets.initSecret;
  const pair = await externalKeyPair(group.suite, group.secrets);
  return openExternalInit(group.suite, pair.private, external.kemOutput);
}
