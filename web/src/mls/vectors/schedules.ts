// Vectors of the key schedule, the transcript, the secret tree and message protection.

import { utf8 } from "../../bytes.ts";
import { encodeAs } from "../codec.ts";
import { type Secret, asSecret, asSignaturePrivateKey } from "../crypto/secrets.ts";
import { type CipherSuite, cipherSuite } from "../crypto/suites.ts";
import { Commit } from "../messages/commits.ts";
import {
  ApplicationData,
  AuthenticatedContent,
  Content,
  FramedContent,
  Member,
  ProposalContent,
  type PublicMessage,
  WireFormat,
  authenticated,
  authenticatedOf,
  checkContentSignature,
  membershipContent,
  signContent,
} from "../messages/framing.ts";
import { GroupContext } from "../messages/group_context.ts";
import { type LeafIndex, asLeafIndex } from "../messages/indexes.ts";
import { MLS10 } from "../messages/leaf_nodes.ts";
import { type Body, MLSMessage } from "../messages/mls_message.ts";
import { ExternalPsk } from "../messages/psks.ts";
import { confirmedTranscriptHash, interimTranscriptHash } from "../public_group/transcript.ts";
import { type EpochSecrets, Joiner, exportSecret, externalKeyPair } from "../schedule/key_schedule.ts";
import { decrypt, encrypt, openSenderData, senderDataKey } from "../schedule/private_messages.ts";
import { type NamedPsk, pskSecret } from "../schedule/psks.ts";
import { RatchetKind, SecretTree } from "../schedule/secret_tree.ts";
import { leafSlots, nodeCount } from "../tree/math.ts";
import { Case, VectorMismatch, expect, expectBytes } from "./expect.ts";

const SENDER = asLeafIndex(1);
const LEAVES = 2;

export function checkPskSecret(vector: Case): void {
  const suite = cipherSuite(vector.number("cipher_suite"));
  const psks = vector.cases("psks").map(externalPsk);
  expectBytes("psk_secret", pskSecret(suite, psks), vector.bytes("psk_secret"));
}

function externalPsk(entry: Case): NamedPsk {
  const id = ExternalPsk.of({ pskId: entry.bytes("psk_id"), pskNonce: entry.bytes("psk_nonce") });
  return { id, secret: asSecret(entry.bytes("psk")) };
}

export async function checkKeySchedule(vector: Case): Promise<void> {
  const suite = cipherSuite(vector.number("cipher_suite"));
  let initSecret = asSecret(vector.bytes("initial_init_secret"));
  for (const [number, epoch] of vector.cases("epochs").entries()) {
    initSecret = await checkEpoch(suite, vector, number, epoch, initSecret);
  }
}

async function checkEpoch(
  suite: CipherSuite,
  vector: Case,
  number: number,
  epoch: Case,
  initSecret: Secret,
): Promise<Secret> {
  const context = GroupContext.encode(contextOf(suite, vector.bytes("group_id"), BigInt(number), epoch));
  expectBytes("group_context", context, epoch.bytes("group_context"));
  const commitSecret = asSecret(epoch.bytes("commit_secret"));
  const inputs = { initSecret, commitSecret, pskSecret: asSecret(epoch.bytes("psk_secret")) };
  const joiner = Joiner.advance(suite, inputs, context);
  expectBytes("joiner_secret", joiner.joinerSecret, epoch.bytes("joiner_secret"));
  expectBytes("welcome_secret", joiner.welcomeSecret, epoch.bytes("welcome_secret"));
  const { secrets, encryptionSecret } = joiner.epochSecrets(context);
  expectBytes("encryption_secret", encryptionSecret, epoch.bytes("encryption_secret"));
  checkSecrets(secrets, epoch);
  await checkDerived(suite, secrets, epoch);
  return secrets.initSecret;
}

function contextOf(suite: CipherSuite, groupId: GroupContext["groupId"], epoch: bigint, part: Case): GroupContext {
  return GroupContext.of({
    version: MLS10,
    cipherSuite: suite.number,
    groupId,
    epoch,
    treeHash: part.bytes("tree_hash"),
    confirmedTranscriptHash: part.bytes("confirmed_transcript_hash"),
    extensions: [],
  });
}

function checkSecrets(secrets: EpochSecrets, epoch: Case): void {
  expectBytes("sender_data_secret", secrets.senderDataSecret, epoch.bytes("sender_data_secret"));
  expectBytes("exporter_secret", secrets.exporterSecret, epoch.bytes("exporter_secret"));
  expectBytes("external_secret", secrets.externalSecret, epoch.bytes("external_secret"));
  expectBytes("confirmation_key", secrets.confirmationKey, epoch.bytes("confirmation_key"));
  expectBytes("membership_key", secrets.membershipKey, epoch.bytes("membership_key"));
  expectBytes("resumption_psk", secrets.resumptionPsk, epoch.bytes("resumption_psk"));
  expectBytes("epoch_authenticator", secrets.epochAuthenticator, epoch.bytes("epoch_authenticator"));
  expectBytes("init_secret", secrets.initSecret, epoch.bytes("init_secret"));
}

async function checkDerived(suite: CipherSuite, secrets: EpochSecrets, epoch: Case): Promise<void> {
  const pair = await externalKeyPair(suite, secrets);
  expectBytes("external_pub", pair.public, epoch.bytes("external_pub"));
  const part = epoch.inner("exporter");
  const exported = exportSecret(suite, secrets, part.text("label"), part.bytes("context"), part.number("length"));
  expectBytes("exporter", exported, part.bytes("secret"));
}

export function checkTranscriptHashes(vector: Case): void {
  const suite = cipherSuite(vector.number("cipher_suite"));
  const commit = AuthenticatedContent.decode(vector.bytes("authenticated_content"));
  const confirmed = confirmedTranscriptHash(suite, vector.bytes("interim_transcript_hash_before"), commit);
  expectBytes("confirmed", confirmed, vector.bytes("confirmed_transcript_hash_after"));
  const tag = commit.auth.confirmationTag;
  if (tag === null) throw new VectorMismatch("the vector is no commit");
  expectBytes("tag", suite.hash.mac(vector.bytes("confirmation_key"), confirmed), tag);
  const interim = interimTranscriptHash(suite, confirmed, tag);
  expectBytes("interim", interim, vector.bytes("interim_transcript_hash_after"));
}

export function checkSecretTree(vector: Case): void {
  const suite = cipherSuite(vector.number("cipher_suite"));
  const part = vector.inner("sender_data");
  const outer = senderDataKey(suite, asSecret(part.bytes("sender_data_secret")), part.bytes("ciphertext"));
  expectBytes("sender data key", outer.key, part.bytes("key"));
  expectBytes("sender data nonce", outer.nonce, part.bytes("nonce"));
  const leaves = vector.list("leaves");
  const slots = leafSlots(nodeCount(leaves.length));
  let tree = SecretTree.of(suite, asSecret(vector.bytes("encryption_secret")), slots);
  for (const [index, generations] of leaves.entries()) {
    if (!Array.isArray(generations)) throw new VectorMismatch("the generations are no list");
    for (const entry of generations) tree = checkGeneration(tree, asLeafIndex(index), Case.of(entry));
  }
}

const KINDS = [
  ["handshake", RatchetKind.HANDSHAKE],
  ["application", RatchetKind.APPLICATION],
] as const;

function checkGeneration(before: SecretTree, leaf: LeafIndex, entry: Case): SecretTree {
  let tree = before;
  for (const [name, kind] of KINDS) {
    const { key, rest } = tree.keyAt(leaf, kind, entry.number("generation"));
    expectBytes(`${name} key of leaf ${leaf}`, key.key, entry.bytes(`${name}_key`));
    expectBytes(`${name} nonce of leaf ${leaf}`, key.nonce, entry.bytes(`${name}_nonce`));
    tree = rest;
  }
  return tree;
}

export async function checkMessageProtection(vector: Case): Promise<void> {
  const protection = new Protection(vector);
  await protection.check("proposal", ProposalContent.decode(vector.bytes("proposal")));
  await protection.check("commit", Commit.decode(vector.bytes("commit")));
  await protection.check("application", ApplicationData.of({ data: vector.bytes("application") }));
}

/** One case: a group of two in which the second speaks. */
class Protection {
  readonly suite: CipherSuite;
  readonly context: GroupContext;
  readonly keys: SecretTree;
  readonly senderDataSecret: Secret;

  constructor(readonly vector: Case) {
    this.suite = cipherSuite(vector.number("cipher_suite"));
    this.context = contextOf(this.suite, vector.bytes("group_id"), BigInt(vector.number("epoch")), vector);
    this.keys = SecretTree.of(this.suite, asSecret(vector.bytes("encryption_secret")), LEAVES);
    this.senderDataSecret = asSecret(vector.bytes("sender_data_secret"));
  }

  async check(name: string, content: Content): Promise<void> {
    await this.#checkPrivate(MLSMessage.decode(this.vector.bytes(`${name}_priv`)).body, content);
    const ours = await this.#sign(content, WireFormat.PRIVATE_MESSAGE);
    const sent = await encrypt(this.keys, this.senderDataSecret, ours, 7);
    await this.#checkPrivate(sent.message, content);
    if (content.kind !== "ApplicationData") {
      await this.#checkPublic(MLSMessage.decode(this.vector.bytes(`${name}_pub`)).body, content);
      await this.#checkPublic(await this.#public(content), content);
    }
  }

  async #sign(content: Content, format: WireFormat): Promise<AuthenticatedContent> {
    const { groupId, epoch } = this.context;
    const sender = Member.of({ leafIndex: SENDER });
    const framed = FramedContent.of({ groupId, epoch, sender, authenticatedData: utf8("bound"), content });
    const key = asSignaturePrivateKey(this.vector.bytes("signature_priv"));
    const signature = await signContent(this.suite, key, format, framed, this.context);
    const confirmationTag = content.kind === "Commit" ? new Uint8Array(32) : null;
    return authenticated(format, framed, { signature, confirmationTag });
  }

  #membershipTag(content: AuthenticatedContent): PublicMessage["membershipTag"] {
    return this.suite.hash.mac(this.vector.bytes("membership_key"), membershipContent(content, this.context));
  }

  async #public(content: Content): Promise<PublicMessage> {
    const signed = await this.#sign(content, WireFormat.PUBLIC_MESSAGE);
    const membershipTag = this.#membershipTag(signed);
    return { kind: "PublicMessage", content: signed.content, auth: signed.auth, membershipTag };
  }

  async #checkPublic(body: Body, content: Content): Promise<void> {
    if (body.kind !== "PublicMessage" || body.membershipTag === null) {
      throw new VectorMismatch("the vector is not a member's PublicMessage");
    }
    const opened = authenticatedOf(body);
    expectBytes("membership_tag", this.#membershipTag(opened) ?? new Uint8Array(0), body.membershipTag);
    await this.#checkContent(opened, content);
  }

  async #checkPrivate(body: Body, content: Content): Promise<void> {
    if (body.kind !== "PrivateMessage") throw new VectorMismatch("the vector is not a PrivateMessage");
    const sender = await openSenderData(this.suite, this.senderDataSecret, body);
    expect("sender", sender.leafIndex, SENDER);
    const opened = await decrypt(this.keys, sender, body);
    await this.#checkContent(opened.content, content);
  }

  async #checkContent(opened: AuthenticatedContent, content: Content): Promise<void> {
    await checkContentSignature(this.suite, opened, this.vector.bytes("signature_pub"), this.context);
    expectBytes("content", encodeAs(Content, opened.content.content), encodeAs(Content, content));
  }
}
