// RFC 9420 section 6: content, its authentication, and the two ways in which it is framed.

import { type Bytes, concat } from "../../bytes.ts";
import {
  type Reader,
  type Value,
  type ValueOf,
  type Writer,
  choice,
  encodeOpaque,
  fixed,
  opaque,
  select,
  struct,
  structure,
  uint32,
  uint64,
  written,
} from "../codec.ts";
import type { SignaturePrivateKey } from "../crypto/secrets.ts";
import { type CipherSuite, PROPOSAL_REFERENCE } from "../crypto/suites.ts";
import { Commit } from "./commits.ts";
import { GroupContext } from "./group_context.ts";
import { leafIndex } from "./indexes.ts";
import { MLS10 } from "./leaf_nodes.ts";
import { Proposal } from "./proposals.ts";

const LABEL = "FramedContentTBS";

/** Section 17.2. */
export const WireFormat = {
  PUBLIC_MESSAGE: 1,
  PRIVATE_MESSAGE: 2,
  WELCOME: 3,
  GROUP_INFO: 4,
  KEY_PACKAGE: 5,
} as const;
export type WireFormat = (typeof WireFormat)[keyof typeof WireFormat];

/** What a message carries. */
export const ContentType = { APPLICATION: 1, PROPOSAL: 2, COMMIT: 3 } as const;
export type ContentType = (typeof ContentType)[keyof typeof ContentType];

/** Who may speak to a group. */
export const SenderType = { MEMBER: 1, EXTERNAL: 2, NEW_MEMBER_PROPOSAL: 3, NEW_MEMBER_COMMIT: 4 } as const;

/** The member at this leaf. */
export const Member = struct("Member", { leafIndex });
/** The sender at this place in the external_senders extension. */
export const External = struct("External", { senderIndex: uint32 });
/** A client that proposes to add itself. */
export const NewMemberProposal = struct("NewMemberProposal", {});
/** A client that adds itself by an external commit. */
export const NewMemberCommit = struct("NewMemberCommit", {});

export const Sender = select(1, {
  [SenderType.MEMBER]: Member,
  [SenderType.EXTERNAL]: External,
  [SenderType.NEW_MEMBER_PROPOSAL]: NewMemberProposal,
  [SenderType.NEW_MEMBER_COMMIT]: NewMemberCommit,
});
export type Sender = ValueOf<typeof Sender>;

/** Bytes whose meaning is the application's. */
export const ApplicationData = struct("ApplicationData", { data: opaque });
export type ApplicationData = ValueOf<typeof ApplicationData>;

/** A proposal on its own. */
export const ProposalContent = struct("ProposalContent", { proposal: Proposal });
export type ProposalContent = ValueOf<typeof ProposalContent>;

export const Content = select(1, {
  [ContentType.APPLICATION]: ApplicationData,
  [ContentType.PROPOSAL]: ProposalContent,
  [ContentType.COMMIT]: Commit,
});
export type Content = ValueOf<typeof Content>;

const CONTENT_TYPES = {
  ApplicationData: ContentType.APPLICATION,
  ProposalContent: ContentType.PROPOSAL,
  Commit: ContentType.COMMIT,
} as const;

export function contentTypeOf(content: Content): ContentType {
  return CONTENT_TYPES[content.kind];
}

/** Section 6: who says what in which epoch of which group. */
export const FramedContent = struct("FramedContent", {
  groupId: opaque,
  epoch: uint64,
  sender: Sender,
  authenticatedData: opaque,
  content: Content,
});
export type FramedContent = ValueOf<typeof FramedContent>;

/**
 * Section 6.1: the signature and, for a commit, the confirmation tag.
 *
 * Whether there is a tag depends on the content, so the owner of both reads and writes this.
 */
export interface FramedContentAuthData {
  readonly signature: Bytes;
  readonly confirmationTag: Bytes | null;
}

export function writeAuth(writer: Writer, auth: FramedContentAuthData): void {
  writer.opaque(auth.signature);
  if (auth.confirmationTag !== null) writer.opaque(auth.confirmationTag);
}

export function readAuthFor(contentType: ContentType, reader: Reader): FramedContentAuthData {
  const signature = reader.opaque();
  return { signature, confirmationTag: contentType === ContentType.COMMIT ? reader.opaque() : null };
}

const wireFormat = choice<WireFormat>(2, WireFormat);

/** Section 6: content with its authentication, framed or to be framed. */
export interface AuthenticatedContent extends Value<"AuthenticatedContent"> {
  readonly wireFormat: WireFormat;
  readonly content: FramedContent;
  readonly auth: FramedContentAuthData;
}

export const AuthenticatedContent = structure<"AuthenticatedContent", AuthenticatedContent>("AuthenticatedContent", {
  write(writer, value) {
    wireFormat.write(writer, value.wireFormat);
    FramedContent.write(writer, value.content);
    writeAuth(writer, value.auth);
  },
  read(reader) {
    const format = wireFormat.read(reader);
    const content = FramedContent.read(reader);
    return authenticated(format, content, readAuthFor(contentTypeOf(content.content), reader));
  },
});

export function authenticated(
  format: WireFormat,
  content: FramedContent,
  auth: FramedContentAuthData,
): AuthenticatedContent {
  return { kind: "AuthenticatedContent", wireFormat: format, content, auth };
}

/** ProposalRef, section 5.2. */
export function proposalReference(suite: CipherSuite, content: AuthenticatedContent): Bytes {
  return suite.refHash(PROPOSAL_REFERENCE, AuthenticatedContent.encode(content));
}

/** Section 6.1; rejects with `InvalidSignature` or `InvalidKey`. */
export function checkContentSignature(
  suite: CipherSuite,
  content: AuthenticatedContent,
  key: Bytes,
  context: GroupContext,
): Promise<void> {
  const signed = toBeSigned(content.wireFormat, content.content, context);
  return suite.verifyWithLabel(key, LABEL, signed, content.auth.signature);
}

/** Section 6.2: AuthenticatedContentTBM, what the membership tag covers. */
export function membershipContent(content: AuthenticatedContent, context: GroupContext): Bytes {
  return written((writer) => {
    toBeSigned(content.wireFormat, content.content, context)(writer);
    writeAuth(writer, content.auth);
  });
}

/** FramedContentTBS, section 6.1: those inside the group, or entering, sign its context. */
function toBeSigned(format: WireFormat, content: FramedContent, context: GroupContext): (writer: Writer) => void {
  return (writer) => {
    writer.uint(MLS10, 2);
    writer.uint(format, 2);
    FramedContent.write(writer, content);
    const { kind } = content.sender;
    if (kind === "Member" || kind === "NewMemberCommit") GroupContext.write(writer, context);
  };
}

/** The signature of FramedContentAuthData. */
export function signContent(
  suite: CipherSuite,
  key: SignaturePrivateKey,
  format: WireFormat,
  content: FramedContent,
  context: GroupContext,
): Promise<Bytes> {
  return suite.signWithLabel(key, LABEL, toBeSigned(format, content, context));
}

/** Section 6.2: signed and readable; members add a tag that only members can make. */
export interface PublicMessage extends Value<"PublicMessage"> {
  readonly content: FramedContent;
  readonly auth: FramedContentAuthData;
  readonly membershipTag: Bytes | null;
}

export const PublicMessage = structure<"PublicMessage", PublicMessage>("PublicMessage", {
  write(writer, value) {
    FramedContent.write(writer, value.content);
    writeAuth(writer, value.auth);
    if (value.membershipTag !== null) writer.opaque(value.membershipTag);
  },
  read(reader) {
    const content = FramedContent.read(reader);
    const auth = readAuthFor(contentTypeOf(content.content), reader);
    const membershipTag = content.sender.kind === "Member" ? reader.opaque() : null;
    return { kind: "PublicMessage", content, auth, membershipTag };
  },
});

export function authenticatedOf(message: PublicMessage): AuthenticatedContent {
  return authenticated(WireFormat.PUBLIC_MESSAGE, message.content, message.auth);
}

/** Section 6.3: what everyone may see of an encrypted message. */
export const PrivateMessage = struct("PrivateMessage", {
  groupId: opaque,
  epoch: uint64,
  contentType: choice<ContentType>(1, ContentType),
  authenticatedData: opaque,
  encryptedSenderData: opaque,
  ciphertext: opaque,
});
export type PrivateMessage = ValueOf<typeof PrivateMessage>;

/** PrivateContentAAD, section 6.3.1. */
export function contentAad(message: PrivateMessage): Bytes {
  return concat(senderDataAad(message), encodeOpaque(message.authenticatedData));
}

/** SenderDataAAD, section 6.3.2. */
export function senderDataAad(message: PrivateMessage): Bytes {
  return written((writer) => {
    writer.opaque(message.groupId);
    writer.uint64(message.epoch);
    writer.uint(message.contentType, 1);
  });
}

/** Section 6.3.2: which key of whom opens a message; travels encrypted. */
export const SenderData = struct("SenderData", { leafIndex, generation: uint32, reuseGuard: fixed(4) });
export type SenderData = ValueOf<typeof SenderData>;
