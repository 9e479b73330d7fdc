// RFC 9420 section 6: what a member says, framed for the others.

import type { Bytes } from "../../bytes.ts";
import { keyOf } from "../bytes_sets.ts";
import type { SignaturePrivateKey } from "../crypto/secrets.ts";
import { CommitFirst, GroupClosed } from "../errors.ts";
import type { Credential } from "../messages/credentials.ts";
import type { Extensions } from "../messages/extensions.ts";
import {
  ApplicationData,
  type AuthenticatedContent,
  type Content,
  FramedContent,
  Member,
  ProposalContent,
  WireFormat,
  authenticated,
  membershipContent,
  proposalReference,
  signContent,
} from "../messages/framing.ts";
import {
  type Capabilities,
  type LeafNode,
  type LeafNodeContent,
  type Source,
  UpdateSource,
  signLeaf,
} from "../messages/leaf_nodes.ts";
import { type MLSMessage, messageOf } from "../messages/mls_message.ts";
import { type Proposal, Update } from "../messages/proposals.ts";
import type { Policy } from "../public_group/policy.ts";
import { membershipTag } from "../schedule/key_schedule.ts";
import * as privateMessages from "../schedule/private_messages.ts";
import type { Group, PendingUpdate } from "./group.ts";

const NOTHING = new Uint8Array(0);

/** How a message travels: readable by the server, or encrypted for the group. */
export interface Framing {
  readonly isPrivate: boolean;
  readonly authenticatedData: Bytes;
  readonly padding: number;
}

export const PUBLIC: Framing = { isPrivate: false, authenticatedData: NOTHING, padding: 0 };
export const PRIVATE: Framing = { ...PUBLIC, isPrivate: true };

/** A message to send and the state to save before it is sent. */
export interface Outgoing {
  readonly message: MLSMessage;
  readonly group: Group;
}

/** What a member changes about itself along with its key; what is absent stays as it is. */
export interface LeafChanges {
  readonly signatureKey?: SignaturePrivateKey;
  readonly credential?: Credential;
  readonly capabilities?: Capabilities;
  readonly extensions?: Extensions;
}

export const KEEP_LEAF: LeafChanges = {};

/** A new leaf and the private keys behind it. */
export interface SignedLeaf {
  readonly node: LeafNode;
  readonly keys: Omit<PendingUpdate, "reference">;
}

/**
 * Encrypt application data for the group, followed by that many zeros.
 *
 * Rejects with `CommitFirst` while a removal waits: nobody speaks to those about to be removed.
 */
export async function encrypt(
  group: Group,
  data: Bytes,
  options: Partial<Omit<Framing, "isPrivate">> = {},
): Promise<Outgoing> {
  checkOpen(group);
  if (group.waitingRemovals.length > 0) throw new CommitFirst();
  const framing = { ...PRIVATE, ...options };
  return frame(group, await sign(group, ApplicationData.of({ data }), framing), framing);
}

/** Send a proposal on its own; it waits here too for a commit to refer to it. */
export async function propose(
  group: Group,
  proposal: Proposal,
  policy: Policy,
  framing: Framing = PUBLIC,
): Promise<Outgoing> {
  checkOpen(group);
  const content = await sign(group, ProposalContent.of({ proposal }), framing);
  const waiting = group.with({ public: await group.public.withProposal(content, policy) });
  return frame(waiting, content, framing);
}

/** Propose fresh keys for the own leaf; the keys are kept until somebody commits. */
export async function proposeUpdate(
  group: Group,
  policy: Policy,
  changes: LeafChanges = KEEP_LEAF,
  framing: Framing = PUBLIC,
): Promise<Outgoing> {
  checkOpen(group);
  const leaf = await newLeaf(group, changes, UpdateSource.of({}));
  const proposal = Update.of({ leafNode: leaf.node });
  const content = await sign(group, ProposalContent.of({ proposal }), framing);
  const reference = proposalReference(group.suite, content);
  const waiting = group.with({
    public: await group.public.withProposal(content, policy),
    updates: new Map(group.updates).set(keyOf(reference), { reference, ...leaf.keys }),
  });
  return frame(waiting, content, framing);
}

/** The own leaf with a fresh encryption key, signed for its place. */
export async function newLeaf(group: Group, changes: LeafChanges, source: Source): Promise<SignedLeaf> {
  const { suite, groupId, ownLeaf } = group;
  const pair = await suite.hpke.kem.generateKeyPair();
  const signatureKey = changes.signatureKey ?? group.signatureKey;
  const content: LeafNodeContent = {
    ...leafContent(group.tree.leaf(ownLeaf), changes),
    encryptionKey: pair.public,
    signatureKey: await suite.signature.publicKeyOf(signatureKey),
    source,
  };
  const node = await signLeaf(suite, signatureKey, content, { groupId, leaf: ownLeaf });
  return { node, keys: { encryptionKey: pair.private, signatureKey } };
}

export function leafContent(old: LeafNodeContent, changes: LeafChanges): LeafNodeContent {
  return {
    encryptionKey: old.encryptionKey,
    signatureKey: old.signatureKey,
    credential: changes.credential ?? old.credential,
    capabilities: changes.capabilities ?? old.capabilities,
    source: old.source,
    extensions: changes.extensions ?? old.extensions,
  };
}

export function checkOpen(group: Group): void {
  if (group.public.reinit !== null) throw new GroupClosed();
}

/** The content as this member says it in this epoch. */
export async function sign(group: Group, content: Content, framing: Framing): Promise<AuthenticatedContent> {
  const { groupId, epoch, ownLeaf, context, suite, signatureKey } = group;
  const sender = Member.of({ leafIndex: ownLeaf });
  const { authenticatedData } = framing;
  const framed = FramedContent.of({ groupId, epoch, sender, authenticatedData, content });
  const format = framing.isPrivate ? WireFormat.PRIVATE_MESSAGE : WireFormat.PUBLIC_MESSAGE;
  const signature = await signContent(suite, signatureKey, format, framed, context);
  return authenticated(format, framed, { signature, confirmationTag: null });
}

/** Put signed content on the wire; a private message uses up one of the group's keys. */
export async function frame(group: Group, content: AuthenticatedContent, framing: Framing): Promise<Outgoing> {
  if (!framing.isPrivate) {
    const tag = membershipTag(group.suite, group.secrets, membershipContent(content, group.context));
    const { content: framed, auth } = content;
    return { message: messageOf({ kind: "PublicMessage", content: framed, auth, membershipTag: tag }), group };
  }
  const { senderDataSecret } = group.secrets;
  const sent = await privateMessages.encrypt(group.keys, senderDataSecret, content, framing.padding);
  return { message: messageOf(sent.message), group: group.with({ keys: sent.keys }) };
}
