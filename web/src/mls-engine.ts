// With mls-allowed.ts and mls-group.ts the one place that knows the MLS engine (src/mls): what this client needs of
// RFC 9420, in its words.
//
// Groups are values: an operation answers the group to keep if what it made is accepted (or what it
// read was good), and the old one stays as it was. Of what RFC 9420 allows, only this is taken:
// commits of members with Adds, Removes and fresh keys; commits from outside by which a member's own
// device takes its place again; Removes proposed by the server, or by who wants to leave; application
// messages of the current epoch, for the log is in order.

import { type Bytes, copyOf, sameBytes, toBase64, vectorHeaderLength } from "./bytes.ts";
import { CredentialRefused as IdentityRefused, type SigningKeys } from "./identity.ts";
import { MlsRefused, checkFollows, checkIsAllowed, checkIsApplication, refusing, refusingNow } from "./mls-allowed.ts";
import { type Change, Group, type Member, changeTo, deviceOf, identityIn, memberAt, memberOf, membersOf } from "./mls-group.ts";
import { sameValue } from "./mls/codec.ts";
import { asSignaturePrivateKey } from "./mls/crypto/secrets.ts";
import { cipherSuite } from "./mls/crypto/suites.ts";
import { CredentialRefused } from "./mls/errors.ts";
import * as committing from "./mls/group/commit.ts";
import * as creating from "./mls/group/create.ts";
import * as joining from "./mls/group/join.ts";
import { type Client, OwnKeyPackage, makeKeyPackage } from "./mls/group/key_packages.ts";
import * as messages from "./mls/group/messages.ts";
import { joinFromOutside } from "./mls/group/outside.ts";
import { type CommitReceived, type RemovedFromGroup, process } from "./mls/group/process.ts";
import { BasicCredential, Credential, CredentialType } from "./mls/messages/credentials.ts";
import { AllowedSender, Extension, ExtensionType, ExternalSenders } from "./mls/messages/extensions.ts";
import { type PublicMessage, authenticatedOf } from "./mls/messages/framing.ts";
import type { GroupInfo } from "./mls/messages/group_info.ts";
import { asLeafIndex } from "./mls/messages/indexes.ts";
import { type UncheckedKeyPackage, checkKeyPackage, keyPackageReference } from "./mls/messages/key_packages.ts";
import { Capabilities, Lifetime, MLS10 } from "./mls/messages/leaf_nodes.ts";
import { MLSMessage, messageOf } from "./mls/messages/mls_message.ts";
import { Add, Remove } from "./mls/messages/proposals.ts";
import { RatchetTreeExtension } from "./mls/messages/ratchet_tree.ts";
import { type Welcome, keyPackageReferences } from "./mls/messages/welcome.ts";
import { type Policy, policyOf } from "./mls/public_group/policy.ts";
import { RatchetTree } from "./mls/tree/ratchet_tree.ts";
import { PADDED_SIZES } from "./wire.ts";

/** The hybrid post-quantum suite, and the one an organisation may choose instead. */
const SUITES: readonly number[] = [0xf04e, 0x0001];
export const KEY_PACKAGE_DAYS = 85;
const DAY = 86_400;
const SIGNATURE_VECTOR = 2 + 64;
const NOTHING = new Uint8Array(0);

/** The text is longer than the largest padded size. */
export class TooLong extends Error {
  override readonly name = "TooLong";
}

/** Members whose removal was proposed are still in: commit first. */
export class RemovalsWait extends Error {
  override readonly name = "RemovalsWait";
}

/**
 * Rejects with identity.ts's `CredentialRefused` unless this credential may stand beside this key.
 *
 * `before` is the credential that it replaces at its place, if it replaces one.
 */
export type Judge = (identity: Bytes, signatureKey: Bytes, before: Bytes | null) => Promise<void>;

/** Who may be in the group, and the time at which the server took the message (seconds since 1970). */
export interface Rules {
  readonly judge: Judge;
  readonly now: number;
}

/** What the organisation has decided for its groups. */
export interface GroupSettings {
  readonly cipherSuite: number;
  /** The server as RFC 9420's ExternalSender: who proposes that a revoked device be removed. */
  readonly externalSender: Bytes;
}

export interface KeyPackagePair {
  /** The MLSMessage to publish. */
  readonly published: Bytes;
  /** What opens a Welcome made for it; secret. */
  readonly secret: Bytes;
  /** What a Welcome calls it, in base64. */
  readonly reference: string;
}

export interface Created {
  readonly group: Group;
  /** With the tree: what the server begins its public group with. */
  readonly groupInfo: Bytes;
}

export interface Committed {
  readonly commit: Bytes;
  readonly welcome: Bytes | null;
  readonly groupInfo: Bytes;
  /** The group to keep once the commit has its place in the log, and not before. */
  readonly next: Group;
}

export interface Opened {
  readonly plaintext: Bytes;
  readonly authenticatedData: Bytes;
  readonly sender: Member;
  readonly next: Group;
}

/** Somebody is to be removed by whoever commits next; `sender` is null when the server says so. */
export interface Proposed {
  readonly kind: "proposed";
  readonly sender: Member | null;
  readonly authenticatedData: Bytes;
  readonly next: Group;
}

/** A commit; `next` is null when it removed this device. */
export interface Processed {
  readonly kind: "committed";
  readonly sender: Member;
  /** The sender came from outside, into the place that it had. */
  readonly isRejoin: boolean;
  readonly authenticatedData: Bytes;
  readonly change: Change;
  readonly next: Group | null;
}

export class MlsEngine {
  readonly #client: Client;
  readonly #externalSender: AllowedSender;

  private constructor(client: Client, externalSender: AllowedSender) {
    this.#client = client;
    this.#externalSender = externalSender;
  }

  /** `identity` is the encoded device credential of `keys`. Throws `MlsRefused`. */
  static load(keys: SigningKeys, identity: Bytes, settings: GroupSettings): MlsEngine {
    if (!SUITES.includes(settings.cipherSuite)) throw new MlsRefused("a cipher suite we do not use");
    const capabilities = Capabilities.of({
      versions: [MLS10],
      cipherSuites: SUITES,
      extensions: [ExtensionType.LAST_RESORT_KEY_PACKAGE],
      proposals: [],
      credentials: [CredentialType.BASIC],
    });
    const client = {
      suite: cipherSuite(settings.cipherSuite),
      signatureKey: asSignaturePrivateKey(keys.privateKey),
      credential: BasicCredential.of({ identity }),
      capabilities,
      extensions: [],
    };
    const sender = refusingNow("the server's key cannot be read", () =>
      AllowedSender.decode(settings.externalSender),
    );
    return new MlsEngine(client, sender);
  }

  get suite(): number {
    return this.#client.suite.number;
  }

  /** `now` in seconds since 1970. */
  async makeKeyPackage(now: number, options: { lastResort: boolean }): Promise<KeyPackagePair> {
    const own = await this.#keyPackage(now, options.lastResort);
    return {
      published: encode(own.package),
      secret: OwnKeyPackage.encode(own),
      reference: toBase64(keyPackageReference(own.package)),
    };
  }

  /** A group of this device alone, at epoch 0. */
  async createGroup(groupId: Bytes, rules: Rules): Promise<Created> {
    const senders = ExternalSenders.encode(ExternalSenders.of({ senders: [this.#externalSender] }));
    const extension = Extension.of({ extensionType: ExtensionType.EXTERNAL_SENDERS, extensionData: senders });
    const own = await this.#keyPackage(rules.now, false);
    const state = await creating.createGroup(own, groupId, this.#policy(rules), [extension]);
    return { group: new Group(state), groupInfo: encode(await state.groupInfo({ withTree: true })) };
  }

  /** Who a published key package is for; rejects with `MlsRefused` when it cannot be used now. */
  async checkKeyPackage(published: Bytes, suite: number, rules: Rules): Promise<Member> {
    return refusing("the key package cannot be used", async () => {
      const keyPackage = keyPackageIn(published);
      await checkKeyPackage(keyPackage, { ...this.#policy(rules), suites: [suite] });
      return memberOf(keyPackage.leafNode, 0);
    });
  }

  /**
   * Adds the owners of these key packages, removes these members, and whoever is to be removed
   * anyway. Keep `next` only when the commit was accepted.
   */
  async commit(
    group: Group,
    changes: { add: readonly Bytes[]; remove: readonly Member[] },
    authenticatedData: Bytes,
    rules: Rules,
  ): Promise<Committed> {
    return refusing("the commit cannot be made", async () => {
      const waiting = new Set<number>(group.state.waitingRemovals);
      const removed = changes.remove.filter(({ leafIndex }) => !waiting.has(leafIndex));
      const proposals = [
        ...removed.map(({ leafIndex }) => Remove.of({ removed: asLeafIndex(leafIndex) })),
        ...changes.add.map((bytes) => Add.of({ keyPackage: keyPackageIn(bytes) })),
      ];
      const framing = { ...messages.PUBLIC, authenticatedData };
      const plan = { proposals, framing, treeInWelcome: false };
      const made = await committing.commit(group.state, plan, this.#policy(rules));
      return {
        commit: MLSMessage.encode(made.message),
        welcome: made.welcome && MLSMessage.encode(made.welcome),
        groupInfo: encode(made.groupInfo),
        next: Group.entering(made.group),
      };
    });
  }

  /**
   * Makes the commit from outside by which this device takes its place in the group again.
   *
   * `before` is the group in the last epoch that it knows: the server must not lead back behind it,
   * nor to a group of other terms. Keep `next` only when the commit was accepted.
   */
  async rejoin(
    before: Group,
    { groupInfo, tree }: { groupInfo: Bytes; tree: Bytes },
    authenticatedData: Bytes,
    rules: Rules,
  ): Promise<Committed> {
    return refusing("the group cannot be entered again", async () => {
      const info = groupInfoIn(groupInfo);
      checkFollows(before.state, info);
      const nodes = RatchetTreeExtension.decode(tree);
      const members = membersOf(RatchetTree.fromExtension(before.state.suite, nodes));
      const me = memberAt(before.state.tree, before.state.ownLeaf);
      const old = members.find(({ deviceId }) => deviceId === me.deviceId);
      if (old === undefined) throw new MlsRefused("this device is not in the group");
      const own = await this.#keyPackage(rules.now, false);
      const options = { tree: nodes, replaces: asLeafIndex(old.leafIndex), authenticatedData };
      const made = await joinFromOutside(info, own, this.#policy(rules), options);
      return {
        commit: MLSMessage.encode(made.message),
        welcome: null,
        groupInfo: encode(await made.group.groupInfo({ withTree: false })),
        next: Group.entering(made.group),
      };
    });
  }

  /** Asks the others to remove this device. It waits here too once `takeOwn` was given it back. */
  async proposeLeaving(group: Group, authenticatedData: Bytes, rules: Rules): Promise<Bytes> {
    const proposal = Remove.of({ removed: group.state.ownLeaf });
    const framing = { ...messages.PUBLIC, authenticatedData };
    const made = await messages.propose(group.state, proposal, this.#policy(rules), framing);
    return MLSMessage.encode(made.message);
  }

  /** The group after an own proposal has its place in the log. */
  async takeOwn(group: Group, proposal: Bytes, rules: Rules): Promise<Group> {
    return refusing("the own proposal does not fit", async () => {
      const content = authenticatedOf(publicMessageIn(proposal));
      await group.state.public.checkContent(content);
      const waiting = await group.state.public.withProposal(content, this.#policy(rules));
      return new Group(group.state.with({ public: waiting }));
    });
  }

  /** The references of the key packages a Welcome is for. */
  welcomeReferences(welcome: Bytes): string[] {
    return refusingNow("not a welcome", () => keyPackageReferences(welcomeIn(welcome)).map(toBase64));
  }

  /** Joins by Welcome with the key package it was made for, and the tree beside it. */
  async join(
    welcome: Bytes,
    keyPackageSecret: Bytes,
    { groupId, tree, rules }: { groupId: Bytes; tree: Bytes; rules: Rules },
  ): Promise<Group> {
    return refusing("the welcome cannot be opened", async () => {
      const own = OwnKeyPackage.decode(keyPackageSecret);
      const options = { tree: RatchetTreeExtension.decode(tree) };
      const state = await joining.join(welcomeIn(welcome), own, this.#policy(rules), options);
      const group = Group.entering(state);
      if (!sameBytes(group.id, groupId)) throw new MlsRefused("a welcome to another group");
      return group;
    });
  }

  /** Rejects with `RemovalsWait` while somebody is to be removed. */
  async encrypt(
    group: Group,
    plaintext: Bytes,
    authenticatedData: Bytes,
  ): Promise<{ ciphertext: Bytes; next: Group }> {
    if (group.state.waitingRemovals.length > 0) throw new RemovalsWait();
    const padding = paddedSize(plaintext.length) - unpaddedSize(plaintext.length);
    const made = await messages.encrypt(group.state, plaintext, { authenticatedData, padding });
    return { ciphertext: MLSMessage.encode(made.message), next: new Group(made.group) };
  }

  async decrypt(group: Group, ciphertext: Bytes): Promise<Opened> {
    return refusing("the message cannot be opened", async () => {
      const message = MLSMessage.decode(ciphertext);
      checkIsApplication(group.state, message);
      const opened = await process(group.state, message, this.#policy(NOBODY_NEW));
      if (opened.kind !== "ApplicationMessage") throw new MlsRefused("not application data");
      return {
        plaintext: opened.data,
        authenticatedData: opened.authenticatedData,
        sender: memberOf(opened.leaf, opened.sender),
        next: new Group(opened.group),
      };
    });
  }

  /** What a commit or a proposal of somebody else makes of the group. */
  async take(group: Group, handshake: Bytes, rules: Rules): Promise<Proposed | Processed> {
    return refusing("the change of the group cannot be taken", async () => {
      const message = publicMessageIn(handshake);
      checkIsAllowed(message);
      const taken = await process(group.state, messageOf(message), this.#policy(rules));
      if (taken.kind === "ApplicationMessage") throw new MlsRefused("not a handshake");
      if (taken.kind !== "ProposalReceived") return processed(group, taken);
      const { sender, authenticatedData } = taken;
      return {
        kind: "proposed",
        sender: sender.kind === "Member" ? memberAt(group.state.tree, sender.leafIndex) : null,
        authenticatedData,
        next: new Group(taken.group),
      };
    });
  }

  async #keyPackage(now: number, lastResort: boolean): Promise<OwnKeyPackage> {
    const lifetime = Lifetime.of({
      notBefore: BigInt(now - DAY), // clocks differ
      notAfter: BigInt(now + KEY_PACKAGE_DAYS * DAY),
    });
    const extensionType = ExtensionType.LAST_RESORT_KEY_PACKAGE;
    const extensions = lastResort ? [Extension.of({ extensionType, extensionData: NOTHING })] : [];
    return makeKeyPackage(this.#client, lifetime, extensions);
  }

  #policy({ judge, now }: Rules): Policy {
    return policyOf(
      async ({ credential, signatureKey, predecessor }) => {
        // Only its name is compared: its key is the server's own to change. A leaf that bears this
        // name is refused by `clientOf`, since no device is called so.
        if (sameValue(Credential, credential, this.#externalSender.credential)) return;
        const before = predecessor && identityIn(predecessor);
        await translated(() => judge(identityIn(credential), copyOf(signatureKey), before));
      },
      { now, clientOf: (leaf) => deviceOf(leaf) },
    );
  }
}

/** The smallest size of the list that holds a plaintext of this length with its signature. */
export function paddedSize(plaintextLength: number): number {
  const size = PADDED_SIZES.find((candidate) => unpaddedSize(plaintextLength) <= candidate);
  if (size === undefined) throw new TooLong("longer than the largest padded size");
  return size;
}

function unpaddedSize(plaintextLength: number): number {
  return vectorHeaderLength(plaintextLength) + plaintextLength + SIGNATURE_VECTOR;
}

/** An application message brings nobody in. */
const NOBODY_NEW: Rules = {
  judge: async () => {
    throw new IdentityRefused("a message brings nobody in");
  },
  now: 0,
};

function processed(group: Group, taken: CommitReceived | RemovedFromGroup): Processed {
  const { changes, authenticatedData } = taken;
  const isRejoin = changes.proposals.externalInit !== null;
  const base = { kind: "committed", authenticatedData, isRejoin } as const;
  if (taken.kind === "CommitReceived") {
    const { tree } = taken.group;
    const sender = memberAt(tree, changes.committer);
    return { ...base, sender, change: changeTo(group, tree, sender), next: Group.entering(taken.group) };
  }
  const sender = memberAt(group.state.tree, isRejoin ? group.state.ownLeaf : changes.committer);
  return { ...base, sender, change: changeTo(group, changes.tree, sender), next: null };
}

function encode(body: UncheckedKeyPackage | GroupInfo): Bytes {
  return MLSMessage.encode(messageOf(body));
}

function keyPackageIn(published: Bytes): UncheckedKeyPackage {
  const { body } = MLSMessage.decode(published);
  if (body.kind !== "UncheckedKeyPackage") throw new MlsRefused("not a key package");
  return body;
}

function welcomeIn(bytes: Bytes): Welcome {
  const { body } = MLSMessage.decode(bytes);
  if (body.kind !== "Welcome") throw new MlsRefused("not a welcome");
  return body;
}

function groupInfoIn(bytes: Bytes): GroupInfo {
  const { body } = MLSMessage.decode(bytes);
  if (body.kind !== "GroupInfo") throw new MlsRefused("not a GroupInfo");
  return body;
}

function publicMessageIn(bytes: Bytes): PublicMessage {
  const { body } = MLSMessage.decode(bytes);
  if (body.kind !== "PublicMessage") throw new MlsRefused("not a PublicMessage");
  return body;
}

/** The engine has an error of its own for what a judge refuses. */
async function translated(judging: () => Promise<void>): Promise<void> {
  try {
    await judging();
  } catch (error) {
    if (error instanceof IdentityRefused) throw new CredentialRefused(error.message);
    throw error;
  }
}
