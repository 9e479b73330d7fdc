// RFC 9420 section 12.4.3.1: entering a group by a Welcome.

import { type Bytes, sameBytes } from "../../bytes.ts";
import { allDifferent } from "../bytes_sets.ts";
import { encodeAs, sameValue } from "../codec.ts";
import {
  GroupKnown,
  NotInvited,
  OwnLeafMissing,
  ParentMismatch,
  PskNonceLength,
  PskTwice,
  SeveralParents,
  WelcomeSuiteMismatch,
} from "../errors.ts";
import { GroupContext } from "../messages/group_context.ts";
import { GroupInfo } from "../messages/group_info.ts";
import type { LeafIndex } from "../messages/indexes.ts";
import { keyPackageReference } from "../messages/key_packages.ts";
import { LeafNode } from "../messages/leaf_nodes.ts";
import { PreSharedKeyID, type ResumptionPsk, ResumptionUsage } from "../messages/psks.ts";
import type { RatchetTreeExtension } from "../messages/ratchet_tree.ts";
import { GroupSecrets, type Welcome } from "../messages/welcome.ts";
import type { Policy } from "../public_group/policy.ts";
import { PublicGroup } from "../public_group/public_group.ts";
import { Joiner, checkConfirmationTag } from "../schedule/key_schedule.ts";
import { type NamedPsk, pskSecret } from "../schedule/psks.ts";
import { nodeOf } from "../tree/math.ts";
import { PrivateTree, joinedPath, privateKeysOf } from "../tree/private.ts";
import { enterEpoch } from "./advance.ts";
import { type Group, type PskSource, namedPsk, noPsks } from "./group.ts";
import { type OwnKeyPackage, suiteOf } from "./key_packages.ts";
import { checkParent } from "./successors.ts";

const NOTHING = new Uint8Array(0);

/** What a joiner has beside the Welcome. */
export interface JoinOptions {
  readonly tree: RatchetTreeExtension | null;
  readonly psks: PskSource;
  /** The group that this one continues, where it continues one. */
  readonly parent: Group | null;
  readonly knownGroups: readonly Bytes[];
}

/** The group to which the Welcome invites the key package. Afterwards forget `own`: it is used once. */
export async function join(
  welcome: Welcome,
  own: OwnKeyPackage,
  policy: Policy,
  options: Partial<JoinOptions> = {},
): Promise<Group> {
  const { tree = null, psks = noPsks, parent = null, knownGroups = [] } = options;
  const suite = suiteOf(own);
  const secrets = await openGroupSecrets(welcome, own);
  const named = findPsks(own, secrets.psks, psks, parent);
  const joiner = new Joiner(suite, secrets.joinerSecret, pskSecret(suite, named));
  const info = await openGroupInfo(welcome, joiner);
  checkIsFor(info, own, knownGroups);
  const public_ = await PublicGroup.fromGroupInfo(info, policy, tree);
  const leaf = ownLeaf(public_, own);
  const private_ = await privateTree(public_, own, leaf, info.signer, secrets);
  const context = info.groupContext;
  const start = joiner.epochSecrets(GroupContext.encode(context));
  checkConfirmationTag(suite, start.secrets, context.confirmedTranscriptHash, info.confirmationTag);
  const entrant = { public: public_, private: private_, signatureKey: own.signatureKey, past: [] };
  const group = enterEpoch(entrant, start);
  checkLineage(group, secrets.psks, parent, policy);
  return group;
}

/** The entry for this key package; rejects with `NotInvited` if there is none. */
export async function openGroupSecrets(welcome: Welcome, own: OwnKeyPackage): Promise<GroupSecrets> {
  if (welcome.cipherSuite !== own.package.cipherSuite) throw new WelcomeSuiteMismatch();
  const reference = keyPackageReference(own.package);
  const entry = welcome.secrets.find((each) => sameBytes(each.newMember, reference));
  if (entry === undefined) throw new NotInvited();
  const context = welcome.encryptedGroupInfo;
  const suite = suiteOf(own);
  return GroupSecrets.decode(await suite.decryptWithLabel(own.initKey, "Welcome", context, entry.encryptedGroupSecrets));
}

function findPsks(
  own: OwnKeyPackage,
  names: readonly PreSharedKeyID[],
  psks: PskSource,
  parent: Group | null,
): readonly NamedPsk[] {
  const { size } = suiteOf(own).hash;
  if (names.some((psk) => psk.pskNonce.length !== size)) throw new PskNonceLength();
  if (!allDifferent(names.map((psk) => encodeAs(PreSharedKeyID, psk)))) throw new PskTwice();
  if (lineage(names).length > 1) throw new SeveralParents();
  return names.map((psk) => (parent === null ? namedPsk(psk, psks) : parent.findPsk(psk, psks)));
}

/** The keys that say from which other group this one comes. */
function lineage(names: readonly PreSharedKeyID[]): readonly ResumptionPsk[] {
  return names.flatMap((psk) =>
    psk.kind === "ResumptionPsk" && psk.usage !== ResumptionUsage.APPLICATION ? [psk] : [],
  );
}

export async function openGroupInfo(welcome: Welcome, joiner: Joiner): Promise<GroupInfo> {
  const { key, nonce } = joiner.welcomeKey;
  return GroupInfo.decode(await joiner.suite.aead.open(key, nonce, NOTHING, welcome.encryptedGroupInfo));
}

function checkIsFor(info: GroupInfo, own: OwnKeyPackage, knownGroups: readonly Bytes[]): void {
  const context = info.groupContext;
  if (context.cipherSuite !== own.package.cipherSuite) throw new WelcomeSuiteMismatch();
  if (knownGroups.some((known) => sameBytes(known, context.groupId))) throw new GroupKnown();
}

/** The leaf that is identical to the key package's. */
function ownLeaf(public_: PublicGroup, own: OwnKeyPackage): LeafIndex {
  for (const [index, leaf] of public_.tree.members()) {
    if (sameValue(LeafNode, leaf, own.package.leafNode)) return index;
  }
  throw new OwnLeafMissing();
}

async function privateTree(
  public_: PublicGroup,
  own: OwnKeyPackage,
  leaf: LeafIndex,
  signer: LeafIndex,
  secrets: GroupSecrets,
): Promise<PrivateTree> {
  const private_ = new PrivateTree(leaf, new Map([[nodeOf(leaf), own.encryptionKey]]));
  if (secrets.pathSecret === null) return private_;
  const path = await joinedPath(public_.tree, leaf, signer, secrets.pathSecret.pathSecret);
  return private_.withKeys(privateKeysOf(path));
}

/** Section 11.2 and 11.3: what continues another group is what that group agreed to. */
function checkLineage(group: Group, names: readonly PreSharedKeyID[], parent: Group | null, policy: Policy): void {
  for (const psk of lineage(names)) {
    if (parent === null || !sameBytes(parent.groupId, psk.groupId)) throw new ParentMismatch();
    checkParent(group, parent, psk, policy);
  }
}
