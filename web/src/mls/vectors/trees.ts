// Vectors of the ratchet tree: its arithmetic, its hashes, its changes and TreeKEM.

import type { Bytes } from "../../bytes.ts";
import { decodeAs } from "../codec.ts";
import { type HpkePrivateKey, asHpkePrivateKey, asSecret, asSignaturePrivateKey } from "../crypto/secrets.ts";
import { type CipherSuite, cipherSuite } from "../crypto/suites.ts";
import { UpdatePath } from "../messages/commits.ts";
import { GroupContext } from "../messages/group_context.ts";
import { type LeafIndex, type NodeIndex, asLeafIndex, asNodeIndex } from "../messages/indexes.ts";
import { CommitSource, MLS10, checkLeafSignature, isFromKeyPackage, signLeaf } from "../messages/leaf_nodes.ts";
import { Proposal } from "../messages/proposals.ts";
import { RatchetTreeExtension } from "../messages/ratchet_tree.ts";
import { nodeHash, treeHash } from "../tree/hashes.ts";
import * as math from "../tree/math.ts";
import { filteredPath, withLeaf, withPathKeys } from "../tree/paths.ts";
import { PrivateTree, derivePath, known, openPath, publicKeysOf, sealPath } from "../tree/private.ts";
import { RatchetTree } from "../tree/ratchet_tree.ts";
import { checkTree } from "../tree/validation.ts";
import { Case, VectorMismatch, expect, expectBytes, hex } from "./expect.ts";

export function checkTreeMath(vector: Case): void {
  const leaves = vector.number("n_leaves");
  const nodes = Array.from({ length: math.nodeCount(leaves) }, (_, index) => asNodeIndex(index));
  const top = math.root(leaves);
  const ofParents = (relation: (node: NodeIndex) => NodeIndex): (NodeIndex | null)[] =>
    nodes.map((node) => (math.isLeaf(node) ? null : relation(node)));
  const ofOthers = (relation: (node: NodeIndex) => NodeIndex): (NodeIndex | null)[] =>
    nodes.map((node) => (node === top ? null : relation(node)));
  expect("n_nodes", nodes.length, vector.number("n_nodes"));
  expect("root", top, vector.number("root"));
  expect("left", ofParents(math.left), vector.list("left"));
  expect("right", ofParents(math.right), vector.list("right"));
  expect("parent", ofOthers(math.parent), vector.list("parent"));
  expect("sibling", ofOthers(math.sibling), vector.list("sibling"));
}

function readTree(suite: CipherSuite, data: Bytes): RatchetTree {
  return RatchetTree.fromExtension(suite, RatchetTreeExtension.decode(data));
}

export function checkTreeOperations(vector: Case): void {
  const suite = cipherSuite(vector.number("cipher_suite"));
  const before = readTree(suite, vector.bytes("tree_before"));
  expectBytes("tree_hash_before", treeHash(before), vector.bytes("tree_hash_before"));
  const proposal = decodeAs(Proposal, vector.bytes("proposal"));

  const after = applied(before, proposal, asLeafIndex(vector.number("proposal_sender")));

  expectBytes("tree_after", RatchetTreeExtension.encode(after.toExtension()), vector.bytes("tree_after"));
  expectBytes("tree_hash_after", treeHash(after), vector.bytes("tree_hash_after"));
}

function applied(tree: RatchetTree, proposal: Proposal, sender: LeafIndex): RatchetTree {
  const edit = tree.edit();
  switch (proposal.kind) {
    case "Add":
      edit.add(proposal.keyPackage.leafNode);
      break;
    case "Update":
      edit.update(sender, proposal.leafNode);
      break;
    case "Remove":
      edit.remove(proposal.removed);
      edit.truncate();
      break;
    default:
      throw new VectorMismatch("the proposal does not change the tree");
  }
  return edit.finish();
}

export async function checkTreeValidation(vector: Case): Promise<void> {
  const suite = cipherSuite(vector.number("cipher_suite"));
  const tree = readTree(suite, vector.bytes("tree"));
  const nodes = tree.nodes.map((_, index) => asNodeIndex(index));
  expect("tree_hashes", nodes.map((node) => hex(nodeHash(tree, node))), vector.list("tree_hashes"));
  expect("resolutions", nodes.map((node) => tree.resolution(node)), vector.list("resolutions"));
  checkTree(tree);
  const groupId = vector.bytes("group_id");
  for (const [leaf, node] of tree.members()) {
    await checkLeafSignature(suite, node, isFromKeyPackage(node) ? null : { groupId, leaf });
  }
}

export async function checkTreeKem(vector: Case): Promise<void> {
  const suite = cipherSuite(vector.number("cipher_suite"));
  const tree = readTree(suite, vector.bytes("ratchet_tree"));
  const members = vector.cases("leaves_private");
  const privates: PrivateTree[] = [];
  for (const member of members) privates.push(await privateTree(tree, member));
  for (const entry of vector.cases("update_paths")) await checkTheirPath(vector, tree, privates, entry);
  for (const member of members) await checkOurPath(vector, tree, privates, member);
}

async function privateTree(tree: RatchetTree, member: Case): Promise<PrivateTree> {
  const { suite } = tree;
  const leaf = asLeafIndex(member.number("index"));
  const own = asHpkePrivateKey(member.bytes("encryption_priv"));
  const keys = new Map<NodeIndex, HpkePrivateKey>([[math.nodeOf(leaf), own]]);
  for (const told of member.cases("path_secrets")) {
    const node = asNodeIndex(told.number("node"));
    const derived = await derivePath(suite, asSecret(told.bytes("path_secret")), [node]);
    keys.set(node, known(derived.keys, node).private);
  }
  for (const [node, key] of keys) {
    expectBytes(`public key of node ${node}`, await suite.hpke.kem.publicKeyOf(key), tree.encryptionKey(node));
  }
  return new PrivateTree(leaf, keys);
}

function contextOf(vector: Case, tree: RatchetTree): Bytes {
  const context = GroupContext.of({
    version: MLS10,
    cipherSuite: vector.number("cipher_suite"),
    groupId: vector.bytes("group_id"),
    epoch: BigInt(vector.number("epoch")),
    treeHash: treeHash(tree),
    confirmedTranscriptHash: vector.bytes("confirmed_transcript_hash"),
    extensions: [],
  });
  return GroupContext.encode(context);
}

async function checkTheirPath(
  vector: Case,
  tree: RatchetTree,
  privates: readonly PrivateTree[],
  entry: Case,
): Promise<void> {
  const sender = asLeafIndex(entry.number("sender"));
  const path = UpdatePath.decode(entry.bytes("update_path"));
  const after = afterPath(tree, sender, path);
  expectBytes("tree_hash_after", treeHash(after), entry.bytes("tree_hash_after"));
  await checkLeafSignature(tree.suite, path.leafNode, { groupId: vector.bytes("group_id"), leaf: sender });
  const where = { added: [], context: contextOf(vector, after) };
  const secrets = entry.list("path_secrets");
  for (const own of privates) {
    if (own.leaf === sender) continue;
    const found = await openPath(tree, own, sender, path, where);
    const ancestor = math.commonAncestor(own.leaf, sender);
    expect("path_secret", hex(known(found.secrets, ancestor)), secrets[own.leaf]);
    expectBytes("commit_secret", found.commitSecret, entry.bytes("commit_secret"));
  }
}

function afterPath(tree: RatchetTree, sender: LeafIndex, path: UpdatePath): RatchetTree {
  const keys = path.nodes.map((node) => node.encryptionKey);
  const fresh = withPathKeys(tree, sender, filteredPath(tree, sender), keys);
  const { source } = path.leafNode;
  if (source.kind !== "CommitSource") throw new VectorMismatch("the leaf was not made for a commit");
  expectBytes("parent_hash", source.parentHash, fresh.leafParentHash);
  return withLeaf(fresh, sender, path.leafNode);
}

async function checkOurPath(
  vector: Case,
  tree: RatchetTree,
  privates: readonly PrivateTree[],
  member: Case,
): Promise<void> {
  const { suite } = tree;
  const sender = asLeafIndex(member.number("index"));
  const steps = filteredPath(tree, sender);
  const secrets = await derivePath(suite, suite.randomSecret(), steps.map((step) => step.node));
  const fresh = withPathKeys(tree, sender, steps, publicKeysOf(secrets));
  const content = {
    ...tree.leaf(sender),
    source: CommitSource.of({ parentHash: fresh.leafParentHash }),
    encryptionKey: (await suite.hpke.kem.generateKeyPair()).public,
  };
  const place = { groupId: vector.bytes("group_id"), leaf: sender };
  const leaf = await signLeaf(suite, asSignaturePrivateKey(member.bytes("signature_priv")), content, place);
  const after = withLeaf(fresh, sender, leaf);
  checkTree(after);
  const where = { added: [], context: contextOf(vector, after) };
  const path = await sealPath(tree, steps, secrets, leaf, where);
  for (const own of privates) {
    if (own.leaf === sender) continue;
    const found = await openPath(tree, own, sender, path, where);
    expectBytes("our commit_secret", found.commitSecret, secrets.commitSecret);
  }
}
