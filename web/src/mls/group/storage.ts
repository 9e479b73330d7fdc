// A member's state as bytes: small secrets, and the public trees beside them.
//
// The secrets change with every message, the trees with the epoch only. Save before anything is
// sent, and never bring back an old state: keys that were used would be used again. The form is
// the same as Python's, and each engine reads the other's.

import { type Bytes, sameBytes } from "../../bytes.ts";
import { keyOf } from "../bytes_sets.ts";
import { type ValueOf, choice, opaque, replace, struct, uint16, uint32, uint64, vector } from "../codec.ts";
import { hpkePrivateKey, secret, signaturePrivateKey } from "../crypto/secrets.ts";
import { type CipherSuite, cipherSuite } from "../crypto/suites.ts";
import { StoredStateInvalid } from "../errors.ts";
import { AuthenticatedContent } from "../messages/framing.ts";
import { GroupContext } from "../messages/group_context.ts";
import { type LeafIndex, leafIndex, nodeIndex } from "../messages/indexes.ts";
import { RatchetTreeExtension } from "../messages/ratchet_tree.ts";
import type { PublicGroup } from "../public_group/public_group.ts";
import { checkVersion, loadPublicGroup, loadWaiting, savePublicGroup, VERSION } from "../public_group/storage.ts";
import { EpochSecrets } from "../schedule/key_schedule.ts";
import { type MessageKey, Ratchet, RatchetKind, SecretTree, type SenderRatchets } from "../schedule/secret_tree.ts";
import { PrivateTree } from "../tree/private.ts";
import { pairs } from "../tree/paths.ts";
import { RatchetTree } from "../tree/ratchet_tree.ts";
import { Group, type PastEpoch } from "./group.ts";

/** Both parts; `secret` belongs into encrypted storage. */
export interface SavedGroup {
  readonly secret: Bytes;
  readonly public: Bytes;
}

/** A private key of the ratchet tree. */
const StoredNodeKey = struct("StoredNodeKey", { node: nodeIndex, key: hpkePrivateKey });

/** A secret of the secret tree that was not used yet. */
const StoredNodeSecret = struct("StoredNodeSecret", { node: nodeIndex, secret });

/** A message key that was skipped. */
const StoredMessageKey = struct("StoredMessageKey", { generation: uint32, key: secret, nonce: secret });

/** A sender ratchet that was begun. */
const StoredRatchet = struct("StoredRatchet", {
  leaf: leafIndex,
  ratchetKind: choice<RatchetKind>(1, RatchetKind),
  secret,
  generation: uint64,
  skipped: vector(StoredMessageKey),
});
type StoredRatchet = ValueOf<typeof StoredRatchet>;

/** Section 9's tree with the used keys gone. */
const StoredSecretTree = struct("StoredSecretTree", {
  slots: uint32,
  nodes: vector(StoredNodeSecret),
  ratchets: vector(StoredRatchet),
});
type StoredSecretTree = ValueOf<typeof StoredSecretTree>;

/** The keys of an own Update that waits for a commit. */
const StoredUpdate = struct("StoredUpdate", {
  reference: opaque,
  encryptionKey: hpkePrivateKey,
  signatureKey: signaturePrivateKey,
});

/** The secrets of an epoch gone by. */
const StoredPastSecrets = struct("StoredPastSecrets", {
  epoch: uint64,
  senderDataSecret: secret,
  keys: StoredSecretTree,
  resumptionPsk: secret,
});
type StoredPastSecrets = ValueOf<typeof StoredPastSecrets>;

/** Version 1 of the small part. */
const StoredSecretPart = struct("StoredSecretPart", {
  version: uint16,
  groupId: opaque,
  epoch: uint64,
  leaf: leafIndex,
  signatureKey: signaturePrivateKey,
  nodeKeys: vector(StoredNodeKey),
  secrets: EpochSecrets,
  keys: StoredSecretTree,
  proposals: vector(AuthenticatedContent),
  updates: vector(StoredUpdate),
  past: vector(StoredPastSecrets),
});
type StoredSecretPart = ValueOf<typeof StoredSecretPart>;

/** The public side of an epoch gone by. */
const StoredPastTree = struct("StoredPastTree", { context: GroupContext, tree: RatchetTreeExtension });
type StoredPastTree = ValueOf<typeof StoredPastTree>;

/** Version 1 of the large part. */
const StoredPublicPart = struct("StoredPublicPart", {
  version: uint16,
  group: opaque,
  past: vector(StoredPastTree),
});
type StoredPublicPart = ValueOf<typeof StoredPublicPart>;

/** Both parts. While `epoch` is the same, only `secret` differs. */
export function save(group: Group): SavedGroup {
  return { secret: saveSecrets(group), public: savePublic(group) };
}

/** The group that was saved; throws `StoredStateInvalid` or `DecodeError`. */
export function load(saved: SavedGroup): Group {
  checkVersion(saved.secret);
  checkVersion(saved.public);
  const secrets = StoredSecretPart.decode(saved.secret);
  const publicPart = StoredPublicPart.decode(saved.public);
  const public_ = loadPublicGroup(publicPart.group);
  checkPartsMatch(secrets, publicPart, public_);
  const { suite } = public_;
  return new Group({
    public: replace(public_, { proposals: loadWaiting(suite, secrets.proposals) }),
    private: new PrivateTree(secrets.leaf, new Map(secrets.nodeKeys.map(({ node, key }) => [node, key]))),
    signatureKey: secrets.signatureKey,
    secrets: secrets.secrets,
    keys: loadKeys(suite, secrets.keys, public_.tree),
    updates: new Map(secrets.updates.map((update) => [keyOf(update.reference), update])),
    past: pairs(secrets.past, publicPart.past).map(([kept, tree]) => loadPast(kept, tree)),
  });
}

function checkPartsMatch(secrets: StoredSecretPart, publicPart: StoredPublicPart, public_: PublicGroup): void {
  const { groupId, epoch } = public_.context;
  if (!sameBytes(secrets.groupId, groupId) || secrets.epoch !== epoch) throw new StoredStateInvalid();
  const epochs = publicPart.past.map((past) => past.context.epoch);
  const isSame = epochs.length === secrets.past.length && secrets.past.every((past, index) => past.epoch === epochs[index]);
  if (!isSame) throw new StoredStateInvalid();
  if (secrets.nodeKeys.some(({ node }) => node >= public_.tree.nodes.length)) throw new StoredStateInvalid();
}

/** The small part alone, which is enough while the epoch is the same. */
export function saveSecrets(group: Group): Bytes {
  const part = StoredSecretPart.of({
    version: VERSION,
    groupId: group.groupId,
    epoch: group.epoch,
    leaf: group.ownLeaf,
    signatureKey: group.signatureKey,
    nodeKeys: [...group.private.keys].map(([node, key]) => StoredNodeKey.of({ node, key })),
    secrets: group.secrets,
    keys: saveKeys(group.keys),
    proposals: [...group.public.proposals.values()].map((sent) => sent.content),
    updates: [...group.updates.values()].map((update) => StoredUpdate.of(update)),
    past: group.past.map(savePastSecrets),
  });
  return StoredSecretPart.encode(part);
}

/** The large part, which stays as it is for as long as the epoch does. */
export function savePublic(group: Group): Bytes {
  const part = StoredPublicPart.of({
    version: VERSION,
    group: savePublicGroup(replace(group.public, { proposals: new Map() })),
    past: group.past.map(({ context, tree }) => StoredPastTree.of({ context, tree: tree.toExtension() })),
  });
  return StoredPublicPart.encode(part);
}

function saveKeys(keys: SecretTree): StoredSecretTree {
  return StoredSecretTree.of({
    slots: keys.slots,
    nodes: [...keys.nodes].map(([node, value]) => StoredNodeSecret.of({ node, secret: value })),
    ratchets: [...keys.ratchets].flatMap(([leaf, ratchets]) => [
      saveRatchet(leaf, RatchetKind.HANDSHAKE, ratchets),
      saveRatchet(leaf, RatchetKind.APPLICATION, ratchets),
    ]),
  });
}

function saveRatchet(leaf: LeafIndex, ratchetKind: RatchetKind, ratchets: SenderRatchets): StoredRatchet {
  const ratchet = ratchets[ratchetKind];
  const skipped = [...ratchet.skipped.values()].map((key) => StoredMessageKey.of(key));
  const generation = BigInt(ratchet.generation);
  return StoredRatchet.of({ leaf, ratchetKind, secret: ratchet.secret, generation, skipped });
}

/** A sender's two ratchets are begun together, so they are stored together. */
function loadKeys(suite: CipherSuite, stored: StoredSecretTree, tree: RatchetTree): SecretTree {
  const handshakes = ratchetsOf(stored, RatchetKind.HANDSHAKE);
  const applications = ratchetsOf(stored, RatchetKind.APPLICATION);
  const ratchets = new Map<LeafIndex, SenderRatchets>();
  for (const [leaf, handshake] of handshakes) {
    const application = applications.get(leaf);
    if (application === undefined) throw new StoredStateInvalid();
    ratchets.set(leaf, { [RatchetKind.HANDSHAKE]: handshake, [RatchetKind.APPLICATION]: application });
  }
  if (2 * ratchets.size !== stored.ratchets.length) throw new StoredStateInvalid();
  if (stored.slots !== tree.slots) throw new StoredStateInvalid();
  const nodes = new Map(stored.nodes.map((each) => [each.node, each.secret]));
  return new SecretTree(suite, stored.slots, nodes, ratchets);
}

function ratchetsOf(stored: StoredSecretTree, kind: RatchetKind): Map<LeafIndex, Ratchet> {
  const ofKind = stored.ratchets.filter(({ ratchetKind }) => ratchetKind === kind);
  return new Map(ofKind.map((each) => [each.leaf, loadRatchet(each)]));
}

function loadRatchet(stored: StoredRatchet): Ratchet {
  const skipped = stored.skipped.map(({ generation, key, nonce }): [number, MessageKey] => [
    generation,
    { generation, key, nonce },
  ]);
  return new Ratchet(stored.secret, Number(stored.generation), new Map(skipped));
}

function savePastSecrets(past: PastEpoch): StoredPastSecrets {
  const { context, senderDataSecret, keys, resumptionPsk } = past;
  return StoredPastSecrets.of({ epoch: context.epoch, senderDataSecret, keys: saveKeys(keys), resumptionPsk });
}

function loadPast(kept: StoredPastSecrets, public_: StoredPastTree): PastEpoch {
  const suite = cipherSuite(public_.context.cipherSuite);
  const tree = RatchetTree.fromExtension(suite, public_.tree);
  return {
    context: public_.context,
    tree,
    senderDataSecret: kept.senderDataSecret,
    keys: loadKeys(suite, kept.keys, tree),
    resumptionPsk: kept.resumptionPsk,
  };
}
