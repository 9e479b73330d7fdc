// RFC 9420 section 6.3: encrypting a message and who sent it.

import { type Bytes, randomBytes } from "../../bytes.ts";
import { Reader, type Writer, replace, written } from "../codec.ts";
import type { Secret } from "../crypto/secrets.ts";
import type { CipherSuite } from "../crypto/suites.ts";
import { PaddingNotZero, SenderNotMember } from "../errors.ts";
import { Commit } from "../messages/commits.ts";
import {
  ApplicationData,
  type AuthenticatedContent,
  type Content,
  ContentType,
  FramedContent,
  Member,
  PrivateMessage,
  ProposalContent,
  SenderData,
  WireFormat,
  authenticated,
  contentAad,
  contentTypeOf,
  readAuthFor,
  senderDataAad,
  writeAuth,
} from "../messages/framing.ts";
import type { LeafIndex } from "../messages/indexes.ts";
import type { AeadKey } from "./key_schedule.ts";
import { RatchetKind, type SecretTree } from "./secret_tree.ts";

const GUARD_SIZE = 4;
const NOTHING = new Uint8Array(0);

/** A message to send, and the keys without the one it used. */
export interface Encrypted {
  readonly message: PrivateMessage;
  readonly keys: SecretTree;
}

/**
 * What a message says, unverified, and the keys without the one it used.
 *
 * The signature is still to be checked; until then the old keys stay in force.
 */
export interface Decrypted {
  readonly content: AuthenticatedContent;
  readonly keys: SecretTree;
}

/** Encrypt a member's content with the sender's next key. */
export async function encrypt(
  keys: SecretTree,
  senderDataSecret: Secret,
  content: AuthenticatedContent,
  padding = 0,
): Promise<Encrypted> {
  const { suite } = keys;
  const framed = content.content;
  if (framed.sender.kind !== "Member") throw new SenderNotMember();
  const { leafIndex } = framed.sender;
  const contentType = contentTypeOf(framed.content);
  const { key, rest } = keys.nextKey(leafIndex, kindOf(contentType));
  const reuseGuard = randomBytes(GUARD_SIZE);
  const { groupId, epoch, authenticatedData } = framed;
  const head = { groupId, epoch, contentType, authenticatedData };
  const empty = PrivateMessage.of({ ...head, encryptedSenderData: NOTHING, ciphertext: NOTHING });
  const plaintext = written((writer) => {
    writeContent(writer, framed.content);
    writeAuth(writer, content.auth);
    writer.bytes(new Uint8Array(padding));
  });
  const nonce = guarded(key.nonce, reuseGuard);
  const ciphertext = await suite.aead.seal(key.key, nonce, contentAad(empty), plaintext);
  const sender = SenderData.of({ leafIndex, generation: key.generation, reuseGuard });
  const encryptedSenderData = await sealSenderData(suite, senderDataSecret, replace(empty, { ciphertext }), sender);
  return { message: replace(empty, { encryptedSenderData, ciphertext }), keys: rest };
}

/** Section 6.3.2, for a message that has its ciphertext. */
export function sealSenderData(
  suite: CipherSuite,
  senderDataSecret: Secret,
  message: PrivateMessage,
  sender: SenderData,
): Promise<Bytes> {
  const { key, nonce } = senderDataKey(suite, senderDataSecret, message.ciphertext);
  return suite.aead.seal(key, nonce, senderDataAad(message), SenderData.encode(sender));
}

/** Section 6.3.2; rejects with `DecryptionFailed` or `DecodeError`. */
export async function openSenderData(
  suite: CipherSuite,
  senderDataSecret: Secret,
  message: PrivateMessage,
): Promise<SenderData> {
  const { key, nonce } = senderDataKey(suite, senderDataSecret, message.ciphertext);
  const aad = senderDataAad(message);
  return SenderData.decode(await suite.aead.open(key, nonce, aad, message.encryptedSenderData));
}

/** Section 6.3.1, for a sender who is known to be a member of the message's epoch. */
export async function decrypt(keys: SecretTree, sender: SenderData, message: PrivateMessage): Promise<Decrypted> {
  const { key, rest } = keys.keyAt(sender.leafIndex, kindOf(message.contentType), sender.generation);
  const nonce = guarded(key.nonce, sender.reuseGuard);
  const plaintext = await keys.suite.aead.open(key.key, nonce, contentAad(message), message.ciphertext);
  return { content: readContent(plaintext, sender.leafIndex, message), keys: rest };
}

/** PrivateMessageContent: the content, its authentication, and nothing but zeros. */
function readContent(plaintext: Bytes, leafIndex: LeafIndex, message: PrivateMessage): AuthenticatedContent {
  const reader = new Reader(plaintext);
  const content = readBody(message.contentType, reader);
  const auth = readAuthFor(message.contentType, reader);
  if (reader.take(reader.remaining).some((byte) => byte !== 0)) throw new PaddingNotZero();
  const { groupId, epoch, authenticatedData } = message;
  const sender = Member.of({ leafIndex });
  const framed = FramedContent.of({ groupId, epoch, sender, authenticatedData, content });
  return authenticated(WireFormat.PRIVATE_MESSAGE, framed, auth);
}

function readBody(contentType: ContentType, reader: Reader): Content {
  switch (contentType) {
    case ContentType.APPLICATION:
      return ApplicationData.read(reader);
    case ContentType.PROPOSAL:
      return ProposalContent.read(reader);
    case ContentType.COMMIT:
      return Commit.read(reader);
  }
}

/** The content without the tag that says what it is, which travels outside. */
function writeContent(writer: Writer, content: Content): void {
  switch (content.kind) {
    case "ApplicationData":
      return ApplicationData.write(writer, content);
    case "ProposalContent":
      return ProposalContent.write(writer, content);
    case "Commit":
      return Commit.write(writer, content);
  }
}

/** Section 6.3.2: derived from a sample of the message's ciphertext. */
export function senderDataKey(suite: CipherSuite, secret: Secret, ciphertext: Bytes): AeadKey {
  const sample = ciphertext.subarray(0, suite.hash.size);
  return {
    key: suite.expandWithLabel(secret, "key", sample, suite.aead.keySize),
    nonce: suite.expandWithLabel(secret, "nonce", sample, suite.aead.nonceSize),
  };
}

function kindOf(contentType: ContentType): RatchetKind {
  return contentType === ContentType.APPLICATION ? RatchetKind.APPLICATION : RatchetKind.HANDSHAKE;
}

/** Section 6.3.1: a repeated generation still does not repeat the nonce. */
export function guarded(nonce: Bytes, guard: Bytes): Bytes {
  return nonce.map((byte, index) => byte ^ (guard[index] ?? 0));
}
