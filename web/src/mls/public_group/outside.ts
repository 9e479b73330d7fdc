// RFC 9420 section 12.1.8: proposals from outside, which need no secret of the group.

import type { Bytes } from "../../bytes.ts";
import type { SignaturePrivateKey } from "../crypto/secrets.ts";
import { cipherSuite } from "../crypto/suites.ts";
import {
  External,
  FramedContent,
  NewMemberProposal,
  ProposalContent,
  type Sender,
  WireFormat,
  signContent,
} from "../messages/framing.ts";
import type { GroupContext } from "../messages/group_context.ts";
import type { UncheckedKeyPackage } from "../messages/key_packages.ts";
import { type MLSMessage, messageOf } from "../messages/mls_message.ts";
import { Add, type Proposal } from "../messages/proposals.ts";

const NOTHING = new Uint8Array(0);

/** Who speaks from outside, with which key, and what it says beside the proposal. */
interface Outsider {
  readonly sender: Sender;
  readonly signatureKey: SignaturePrivateKey;
  readonly authenticatedData: Bytes;
}

/** A proposal by one whom the group lists in its external_senders. */
export function proposeAsExternalSender(
  context: GroupContext,
  senderIndex: number,
  signatureKey: SignaturePrivateKey,
  proposal: Proposal,
  authenticatedData: Bytes = NOTHING,
): Promise<MLSMessage> {
  return propose(context, { sender: External.of({ senderIndex }), signatureKey, authenticatedData }, proposal);
}

/** A client's proposal to add itself, signed with its key package's signature key. */
export function proposeSelf(
  context: GroupContext,
  keyPackage: UncheckedKeyPackage,
  signatureKey: SignaturePrivateKey,
  authenticatedData: Bytes = NOTHING,
): Promise<MLSMessage> {
  const outsider = { sender: NewMemberProposal.of({}), signatureKey, authenticatedData };
  return propose(context, outsider, Add.of({ keyPackage }));
}

async function propose(context: GroupContext, outsider: Outsider, proposal: Proposal): Promise<MLSMessage> {
  const { sender, signatureKey, authenticatedData } = outsider;
  const { groupId, epoch } = context;
  const said = ProposalContent.of({ proposal });
  const content = FramedContent.of({ groupId, epoch, sender, authenticatedData, content: said });
  const suite = cipherSuite(context.cipherSuite);
  const signature = await signContent(suite, signatureKey, WireFormat.PUBLIC_MESSAGE, content, context);
  const auth = { signature, confirmationTag: null };
  return messageOf({ kind: "PublicMessage", content, auth, membershipTag: null });
}
