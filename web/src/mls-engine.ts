// The one file that knows ts-mls. Groups are values: an operation answers the group to keep if what
// it made is accepted (or what it read was good), and the old one stays as it was.
//
// ts-mls has faults (a commit of Removes alone carries no path; GroupInfo's external_pub; PSKs), so
// only what it does well is used here: Adds by value, no path from us, no removal, no external
// commits. It also never says who sent an application message and lets a blank leaf send; `senderOf`
// finds the leaf itself.

import {
  type AuthenticationService,
  type CiphersuiteImpl,
  type ClientConfig,
  type ClientState,
  type KeyPackage,
  type LeafNode,
  type MlsContext,
  type MlsMessage,
  type PrivateKeyPackage,
  type PrivateMessage,
  type ProposalAdd,
  type RatchetTree,
  clientStateDecoder,
  clientStateEncoder,
  contentTypes,
  createApplicationMessage,
  createCommit,
  createGroup,
  defaultCredentialTypes,
  defaultKeyPackageEqualityConfig,
  defaultLifetimeConfig,
  defaultProposalTypes,
  encode,
  generateKeyPackageWithKey,
  getCiphersuiteImpl,
  isDefaultProposal,
  joinGroup,
  keyPackageDecoder,
  keyPackageEncoder,
  makeCustomExtension,
  makeKeyPackageRef,
  mlsMessageDecoder,
  mlsMessageEncoder,
  nodeTypes,
  privateKeyPackageDecoder,
  privateKeyPackageEncoder,
  processPrivateMessage,
  processPublicMessage,
  protocolVersions,
  senderTypes,
  wireformats,
} from "ts-mls";
import { type Bytes, Reader, concat, copyOf, sameBytes, toBase64, utf8, vector, vectorHeaderLength } from "./bytes.ts";
import type { SigningKeys } from "./identity.ts";
import { PADDED_SIZES } from "./wire.ts";

/** MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519 */
export const CIPHER_SUITE = 0x0001;
export const LAST_RESORT_EXTENSION = 0x000a;
export const KEY_PACKAGE_DAYS = 85;
const MAXIMUM_KEY_PACKAGE_DAYS = 90;
const DAY = 86_400;
const SIGNATURE_VECTOR = 2 + 64;

/** What was received is not a valid message, welcome or key package; nothing has changed. */
export class MlsRefused extends Error {
  override readonly name = "MlsRefused";
}

/** The text is longer than the largest padded size. */
export class TooLong extends Error {
  override readonly name = "TooLong";
}

/** Says whether a credential may stand beside this key; a refusal refuses the whole message. */
export type Judge = (identity: Bytes, signatureKey: Bytes) => Promise<boolean>;

export interface Member {
  readonly leafIndex: number;
  readonly identity: Bytes;
  readonly signatureKey: Bytes;
}

export interface KeyPackagePair {
  /** The MLSMessage to publish. */
  readonly published: Bytes;
  /** What opens a Welcome made for it; secret. */
  readonly secret: Bytes;
  /** What a Welcome calls it, in base64. */
  readonly reference: string;
}

export interface Committed {
  readonly commit: Bytes;
  readonly welcome: Bytes | null;
  /** The group to keep once the commit has its place in the log, and not before. */
  readonly next: Group;
}

export interface Opened {
  readonly plaintext: Bytes;
  readonly authenticatedData: Bytes;
  readonly sender: Member;
  readonly next: Group;
}

export interface Processed {
  readonly authenticatedData: Bytes;
  readonly sender: Member;
  readonly added: readonly Member[];
  readonly next: Group;
}

/** One epoch of a group, with everything this device knows of it. */
export class Group {
  /** Only for this file. */
  readonly state: ClientState;

  constructor(state: ClientState) {
    this.state = state;
  }

  get id(): Bytes {
    return copyOf(this.state.groupContext.groupId);
  }

  get epoch(): number {
    return Number(this.state.groupContext.epoch);
  }

  get members(): Member[] {
    return membersOf(this.state.ratchetTree);
  }

  /** Secret: the whole state. */
  serialise(): Bytes {
    return copyOf(encode(clientStateEncoder, this.state));
  }

  static restore(bytes: Uint8Array): Group {
    const decoded = clientStateDecoder(bytes, 0);
    if (decoded === undefined) throw new MlsRefused("the stored group cannot be read");
    return new Group(decoded[0]);
  }
}

export class MlsEngine {
  readonly #suite: CiphersuiteImpl;
  readonly #keys: SigningKeys;
  readonly #identity: Bytes;
  readonly #context: MlsContext;

  private constructor(suite: CiphersuiteImpl, keys: SigningKeys, identity: Bytes, judge: Judge) {
    this.#suite = suite;
    this.#keys = keys;
    this.#identity = identity;
    this.#context = {
      cipherSuite: suite,
      authService: authenticationService(judge),
      clientConfig: clientConfig(PADDED_SIZES[0]),
    };
  }

  /** `identity` is the encoded device credential of `keys`. */
  static async load(keys: SigningKeys, identity: Bytes, judge: Judge): Promise<MlsEngine> {
    const suite = await getCiphersuiteImpl("MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519");
    return new MlsEngine(suite, keys, identity, judge);
  }

  /** `now` in seconds since 1970. */
  async makeKeyPackage(now: number, options: { lastResort: boolean }): Promise<KeyPackagePair> {
    const { publicPackage, privatePackage } = await this.#generate(now, options.lastResort);
    return {
      published: encodeMessage({
        version: protocolVersions.mls10,
        wireformat: wireformats.mls_key_package,
        keyPackage: publicPackage,
      }),
      secret: concat(
        vector(encode(keyPackageEncoder, publicPackage)),
        vector(encode(privateKeyPackageEncoder, privatePackage)),
      ),
      reference: toBase64(await makeKeyPackageRef(publicPackage, this.#suite.hash)),
    };
  }

  /** A group of this device alone, at epoch 0. */
  async createGroup(groupId: Bytes, now: number): Promise<Group> {
    const { publicPackage, privatePackage } = await this.#generate(now, false);
    const state = await createGroup({
      context: this.#context,
      groupId,
      keyPackage: publicPackage,
      privateKeyPackage: privatePackage,
    });
    return new Group(state);
  }

  /** Who a published key package is for; throws `MlsRefused` when it cannot be used now. */
  async checkKeyPackage(published: Bytes, now: number): Promise<Member> {
    const keyPackage = keyPackageIn(published);
    checkLifetime(keyPackage.leafNode, now);
    if (keyPackage.cipherSuite !== CIPHER_SUITE) throw new MlsRefused("another cipher suite");
    const member = memberOf(keyPackage.leafNode, 0);
    const credential = keyPackage.leafNode.credential;
    if (!(await this.#context.authService.validateCredential(credential, member.signatureKey))) {
      throw new MlsRefused("the credential is refused");
    }
    return member;
  }

  /** Adds the owners of these key packages. Keep `next` only when the commit was accepted. */
  async commitAdds(
    group: Group,
    published: readonly Bytes[],
    authenticatedData: Bytes,
  ): Promise<Committed> {
    const extraProposals = published.map(
      (bytes): ProposalAdd => ({
        proposalType: defaultProposalTypes.add,
        add: { keyPackage: keyPackageIn(bytes) },
      }),
    );
    const made = await refusing("the commit cannot be made", () =>
      createCommit({
        context: this.#context,
        state: group.state,
        extraProposals,
        wireAsPublicMessage: true,
        ratchetTreeExtension: true,
        authenticatedData,
      }),
    );
    return {
      commit: encodeMessage(made.commit),
      welcome: made.welcome ? encodeMessage(made.welcome) : null,
      next: new Group(made.newState),
    };
  }

  /** The references of the key packages a Welcome is for. */
  welcomeReferences(welcome: Bytes): string[] {
    return welcomeIn(welcome).secrets.map((secret) => toBase64(secret.newMember));
  }

  /** Joins by Welcome with the key package it was made for. */
  async join(welcome: Bytes, keyPackageSecret: Bytes, groupId: Bytes): Promise<Group> {
    const { keyPackage, privateKeys } = storedKeyPackage(keyPackageSecret);
    const state = await refusing("the welcome cannot be opened", () =>
      joinGroup({ context: this.#context, welcome: welcomeIn(welcome), keyPackage, privateKeys }),
    );
    const group = new Group(state);
    if (!sameBytes(group.id, groupId)) throw new MlsRefused("a welcome to another group");
    return group;
  }

  async encrypt(
    group: Group,
    plaintext: Bytes,
    authenticatedData: Bytes,
  ): Promise<{ ciphertext: Bytes; next: Group }> {
    const padded = clientConfig(paddedSize(plaintext.length));
    const made = await createApplicationMessage({
      context: { ...this.#context, clientConfig: padded },
      state: group.state,
      message: plaintext,
      authenticatedData,
    });
    return { ciphertext: encodeMessage(made.message), next: new Group(made.newState) };
  }

  async decrypt(group: Group, ciphertext: Bytes): Promise<Opened> {
    const message = decodeMessage(ciphertext);
    if (message.wireformat !== wireformats.mls_private_message) {
      throw new MlsRefused("not a PrivateMessage");
    }
    const { privateMessage } = message;
    if (privateMessage.contentType !== contentTypes.application) {
      throw new MlsRefused("a PrivateMessage that is not application data");
    }
    this.#checkPlace(group, privateMessage.groupId, privateMessage.epoch);
    return refusing("the message cannot be opened", async () => {
      const sender = await this.#senderOf(group, privateMessage);
      const result = await processPrivateMessage({
        context: this.#context,
        state: group.state,
        privateMessage,
      });
      if (result.kind !== "applicationMessage") throw new MlsRefused("not application data");
      return {
        plaintext: copyOf(result.message),
        authenticatedData: copyOf(result.aad),
        sender,
        next: new Group(result.newState),
      };
    });
  }

  async processCommit(group: Group, commit: Bytes): Promise<Processed> {
    const message = decodeMessage(commit);
    if (message.wireformat !== wireformats.mls_public_message) {
      throw new MlsRefused("not a PublicMessage");
    }
    const { publicMessage } = message;
    const { content } = publicMessage;
    if (content.contentType !== contentTypes.commit) throw new MlsRefused("not a commit");
    if (content.sender.senderType !== senderTypes.member) throw new MlsRefused("not of a member");
    this.#checkPlace(group, content.groupId, content.epoch);
    const sender = memberAt(group.state.ratchetTree, content.sender.leafIndex);
    const result = await refusing("the commit cannot be processed", () =>
      processPublicMessage({
        context: this.#context,
        state: group.state,
        publicMessage,
        callback: (incoming) =>
          incoming.kind === "commit" && incoming.proposals.every(({ proposal }) => isAdd(proposal))
            ? "accept"
            : "reject",
      }),
    );
    if (result.actionTaken === "reject") throw new MlsRefused("a proposal other than Add");
    const next = new Group(result.newState);
    return {
      authenticatedData: copyOf(result.aad),
      sender,
      added: addedMembers(group, next),
      next,
    };
  }

  async #generate(now: number, lastResort: boolean) {
    return generateKeyPackageWithKey({
      credential: { credentialType: defaultCredentialTypes.basic, identity: this.#identity },
      signatureKeyPair: { signKey: this.#keys.privateKey, publicKey: this.#keys.publicKey },
      cipherSuite: this.#suite,
      capabilities: {
        versions: [protocolVersions.mls10],
        ciphersuites: [CIPHER_SUITE],
        extensions: [LAST_RESORT_EXTENSION],
        proposals: [],
        credentials: [defaultCredentialTypes.basic],
      },
      lifetime: {
        notBefore: BigInt(now - DAY), // clocks differ
        notAfter: BigInt(now + KEY_PACKAGE_DAYS * DAY),
      },
      extensions: lastResort
        ? [makeCustomExtension({ extensionType: LAST_RESORT_EXTENSION, extensionData: new Uint8Array() })]
        : [],
    });
  }

  #checkPlace(group: Group, groupId: Uint8Array, epoch: bigint): void {
    if (!sameBytes(groupId, group.state.groupContext.groupId)) throw new MlsRefused("another group");
    if (epoch !== group.state.groupContext.epoch) throw new MlsRefused("another epoch");
  }

  /** RFC 9420 section 6.3.2; its signature is checked afterwards under this very leaf's key. */
  async #senderOf(group: Group, message: PrivateMessage): Promise<Member> {
    const { hpke, kdf } = this.#suite;
    const secret = group.state.keySchedule.senderDataSecret;
    const sample = message.ciphertext.subarray(0, kdf.size);
    const expand = (label: string, length: number) =>
      kdf.expand(
        secret,
        concat(Uint8Array.of(length >> 8, length & 0xff), vector(utf8(`MLS 1.0 ${label}`)), vector(sample)),
        length,
      );
    const epoch = new DataView(new ArrayBuffer(8));
    epoch.setBigUint64(0, message.epoch);
    const context = concat(
      vector(message.groupId),
      new Uint8Array(epoch.buffer),
      Uint8Array.of(message.contentType),
    );
    const key = await expand("key", hpke.keyLength);
    const nonce = await expand("nonce", hpke.nonceLength);
    const data = await hpke.decryptAead(key, nonce, context, message.encryptedSenderData);
    return memberAt(group.state.ratchetTree, new Reader(data).uint32());
  }
}

/** The smallest size of the list that holds a plaintext of this length with its signature. */
export function paddedSize(plaintextLength: number): number {
  const needed = vectorHeaderLength(plaintextLength) + plaintextLength + SIGNATURE_VECTOR;
  const size = PADDED_SIZES.find((candidate) => needed <= candidate);
  if (size === undefined) throw new TooLong("longer than the largest padded size");
  return size;
}

function clientConfig(padUntilLength: number): ClientConfig {
  return {
    keyRetentionConfig: {
      retainKeysForGenerations: 1000,
      retainKeysForEpochs: 1, // the log is in order: nothing of a past epoch is ever opened
      maximumForwardRatchetSteps: 5000,
    },
    lifetimeConfig: {
      ...defaultLifetimeConfig,
      maximumTotalLifetime: BigInt(MAXIMUM_KEY_PACKAGE_DAYS * DAY),
    },
    keyPackageEqualityConfig: defaultKeyPackageEqualityConfig,
    paddingConfig: { kind: "padUntilLength", padUntilLength },
  };
}

function authenticationService(judge: Judge): AuthenticationService {
  return {
    async validateCredential(credential, signaturePublicKey) {
      if (!("identity" in credential)) return false;
      return judge(copyOf(credential.identity), copyOf(signaturePublicKey));
    },
  };
}

/** Whatever ts-mls trips over in received bytes is a refusal. */
async function refusing<T>(what: string, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (cause) {
    if (cause instanceof MlsRefused) throw cause;
    throw new MlsRefused(what, { cause });
  }
}

function encodeMessage(message: MlsMessage): Bytes {
  return copyOf(encode(mlsMessageEncoder, message));
}

function decodeMessage(bytes: Bytes): MlsMessage {
  let decoded: ReturnType<typeof mlsMessageDecoder>;
  try {
    decoded = mlsMessageDecoder(bytes, 0);
  } catch (cause) {
    throw new MlsRefused("not an MLSMessage", { cause });
  }
  if (decoded === undefined || decoded[1] !== bytes.length) throw new MlsRefused("not an MLSMessage");
  return decoded[0];
}

function keyPackageIn(published: Bytes): KeyPackage {
  const message = decodeMessage(published);
  if (message.wireformat !== wireformats.mls_key_package) throw new MlsRefused("not a key package");
  return message.keyPackage;
}

function welcomeIn(bytes: Bytes) {
  const message = decodeMessage(bytes);
  if (message.wireformat !== wireformats.mls_welcome) throw new MlsRefused("not a welcome");
  return message.welcome;
}

function storedKeyPackage(secret: Bytes): { keyPackage: KeyPackage; privateKeys: PrivateKeyPackage } {
  const reader = new Reader(secret);
  const keyPackage = keyPackageDecoder(reader.vector(), 0);
  const privateKeys = privateKeyPackageDecoder(reader.vector(), 0);
  reader.end();
  if (!keyPackage || !privateKeys) throw new MlsRefused("the stored key package cannot be read");
  return { keyPackage: keyPackage[0], privateKeys: privateKeys[0] };
}

function checkLifetime(leaf: LeafNode, now: number): void {
  if (!("lifetime" in leaf)) throw new MlsRefused("a leaf without a lifetime");
  const { notBefore, notAfter } = leaf.lifetime;
  if (notBefore > BigInt(now) || notAfter < BigInt(now)) throw new MlsRefused("out of its lifetime");
  if (notAfter - notBefore > BigInt(MAXIMUM_KEY_PACKAGE_DAYS * DAY)) {
    throw new MlsRefused("a lifetime longer than we allow");
  }
}

function isAdd(proposal: Parameters<typeof isDefaultProposal>[0]): boolean {
  return isDefaultProposal(proposal) && proposal.proposalType === defaultProposalTypes.add;
}

function memberOf(leaf: LeafNode, leafIndex: number): Member {
  if (!("identity" in leaf.credential)) throw new MlsRefused("not a basic credential");
  return {
    leafIndex,
    identity: copyOf(leaf.credential.identity),
    signatureKey: copyOf(leaf.signaturePublicKey),
  };
}

function membersOf(tree: RatchetTree): Member[] {
  return tree.flatMap((node, index) =>
    node?.nodeType === nodeTypes.leaf ? [memberOf(node.leaf, index / 2)] : [],
  );
}

function memberAt(tree: RatchetTree, leafIndex: number): Member {
  const node = tree[leafIndex * 2];
  if (node?.nodeType !== nodeTypes.leaf) throw new MlsRefused("no such member");
  return memberOf(node.leaf, leafIndex);
}

/** Who is new; nobody may have gone or changed, since nothing here can remove or replace a leaf. */
function addedMembers(before: Group, after: Group): Member[] {
  const old = before.members;
  const later = new Map(after.members.map((member) => [member.leafIndex, member]));
  for (const member of old) {
    const same = later.get(member.leafIndex);
    if (!same || !sameBytes(same.identity, member.identity)) {
      throw new MlsRefused("a member was removed or replaced");
    }
    if (!sameBytes(same.signatureKey, member.signatureKey)) {
      throw new MlsRefused("a member's key was replaced");
    }
    later.delete(member.leafIndex);
  }
  return [...later.values()];
}
