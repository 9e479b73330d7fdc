// RFC 9420 section 12.4.3.2: entering a group from outside by an external commit.

import type { Bytes } from "../../bytes.ts";
import { ExternalPubMissing, KeyPackageSuiteMismatch } from "../errors.ts";
import { Commit, InlineProposal } from "../messages/commits.ts";
import {
  type AuthenticatedContent,
  FramedContent,
  NewMemberCommit,
  WireFormat,
  authenticated,
  signContent,
} from "../messages/framing.ts";
import { GroupContext } from "../messages/group_context.ts";
import { type GroupInfo, externalPubOf } from "../messages/group_info.ts";
import type { LeafIndex } from "../messages/indexes.ts";
import { type MLSMessage, messageOf } from "../messages/mls_message.ts";
import { ExternalInit, PreSharedKey, type Proposal, Remove } from "../messages/proposals.ts";
import type { PreSharedKeyID } from "../messages/psks.ts";
import type { RatchetTreeExtension } from "../messages/ratchet_tree.ts";
import type { Policy } from "../public_group/policy.ts";
import { ProposalList } from "../public_group/proposal_list.ts";
import { PublicGroup } from "../public_group/public_group.ts";
import { changesOf } from "../public_group/transition.ts";
import { confirmationTag, newExternalInit } from "../schedule/key_schedule.ts";
import { enterEpoch, joinerOf } from "./advance.ts";
import { makePath, pskNames } from "./commit.ts";
import { type Group, type PskSource, namedPsk, noPsks } from "./group.ts";
import type { OwnKeyPackage } from "./key_packages.ts";

const NOTHING = new Uint8Array(0);

/** An external commit on its way. Keep `group` if it is accepted; otherwise try again. */
export interface ExternalJoin {
  readonly message: MLSMessage;
  readonly groupInfo: GroupInfo;
  readonly group: Group;
}

export interface OutsideOptions {
  readonly tree: RatchetTreeExtension | null;
  /** The leaf of an old self that goes with the same commit. */
  readonly replaces: LeafIndex | null;
  readonly pskIds: readonly PreSharedKeyID[];
  readonly psks: PskSource;
  readonly authenticatedData: Bytes;
}

/** Join the group that the GroupInfo describes, in the place of an old self if `replaces`. */
export async function joinFromOutside(
  info: GroupInfo,
  own: OwnKeyPackage,
  policy: Policy,
  options: Partial<OutsideOptions> = {},
): Promise<ExternalJoin> {
  const { tree = null, psks = noPsks, authenticatedData = NOTHING } = options;
  const public_ = await PublicGroup.fromGroupInfo(info, policy, tree);
  const { suite } = public_;
  if (own.package.cipherSuite !== suite.number) throw new KeyPackageSuiteMismatch();
  const externalPub = externalPubOf(info);
  if (externalPub === null) throw new ExternalPubMissing();
  const init = await newExternalInit(suite, externalPub);
  const items = proposalsOf(init.kemOutput, options).map((proposal) => InlineProposal.of({ proposal }));
  const sender = NewMemberCommit.of({});
  const listed = ProposalList.resolve(items, sender, new Map());
  const changes = await changesOf(public_.context, public_.tree, listed, sender, policy);
  const named = pskNames(listed).map((psk) => namedPsk(psk, psks));
  const author = { leaf: own.package.leafNode, leafSignatureKey: own.signatureKey };
  const merged = await makePath(changes, author, policy);
  const content = await sign(public_, own, Commit.of({ proposals: items, path: merged.updatePath }), authenticatedData);
  const context = public_.confirmed(merged.provisional, content);
  const inputs = { initSecret: init.initSecret, commitSecret: merged.commitSecret, psks: named };
  const start = joinerOf(suite, inputs, context).epochSecrets(GroupContext.encode(context));
  const tag = confirmationTag(suite, start.secrets, context.confirmedTranscriptHash);
  const auth = { signature: content.auth.signature, confirmationTag: tag };
  const message = messageOf({ kind: "PublicMessage", content: content.content, auth, membershipTag: null });
  const joined = new PublicGroup(context, merged.tree, tag);
  const entrant = { public: joined, private: merged.private, signatureKey: own.signatureKey, past: [] };
  const group = enterEpoch(entrant, start);
  return { message, groupInfo: await group.groupInfo({ withTree: true }), group };
}

function proposalsOf(kemOutput: Bytes, options: Partial<OutsideOptions>): readonly Proposal[] {
  const { replaces = null, pskIds = [] } = options;
  return [
    ExternalInit.of({ kemOutput }),
    ...(replaces === null ? [] : [Remove.of({ removed: replaces })]),
    ...pskIds.map((psk) => PreSharedKey.of({ psk })),
  ];
}

async function sign(
  public_: PublicGroup,
  own: OwnKeyPackage,
  commit: Commit,
  authenticatedData: Bytes,
): Promise<AuthenticatedContent> {
  const { groupId, epoch } = public_.context;
  const sender = NewMemberCommit.of({});
  const content = FramedContent.of({ groupId, epoch, sender, authenticatedData, content: commit });
  const format = WireFormat.PUBLIC_MESSAGE;
  const signature = await signContent(public_.suite, own.signatureKey, format, content, public_.context);
  return authenticated(format, content, { signature, confirmationTag: null });
}
