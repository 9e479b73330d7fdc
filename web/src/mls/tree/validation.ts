// RFC 9420 sections 7.9.2 and 12.4.3.1: whether a tree from outside is a true one.

import { type Bytes, sameBytes } from "../../bytes.ts";
import { allDifferent } from "../bytes_sets.ts";
import { EncryptionKeyReused, ParentHashInvalid, SignatureKeyReused, UnmergedLeavesInvalid } from "../errors.ts";
import { type LeafIndex, type NodeIndex, asNodeIndex } from "../messages/indexes.ts";
import type { ParentNode } from "../messages/ratchet_tree.ts";
import { parentHash } from "./hashes.ts";
import { childTowards, isBelow, isLeaf, leafOf, left, nodeOf, right } from "./math.ts";
import type { RatchetTree } from "./ratchet_tree.ts";

/** Everything about a tree that its nodes say of each other. */
export function checkTree(tree: RatchetTree): void {
  checkUnmergedLeaves(tree);
  checkUniqueKeys(tree);
  checkParentHashes(tree);
}

/** Section 7.3 and 12.4.3.1: no encryption key and no signature key is in the tree twice. */
export function checkUniqueKeys(tree: RatchetTree): void {
  checkUniqueSignatureKeys(tree);
  checkUniqueEncryptionKeys(tree);
}

export function checkUniqueSignatureKeys(tree: RatchetTree): void {
  if (!allDifferent(tree.leaves().map((leaf) => leaf.signatureKey))) throw new SignatureKeyReused();
}

export function checkUniqueEncryptionKeys(tree: RatchetTree): void {
  const keys = tree.nodes.flatMap((node) => (node === null ? [] : [node.encryptionKey]));
  if (!allDifferent(keys)) throw new EncryptionKeyReused();
}

function parentsOf(tree: RatchetTree): readonly (readonly [NodeIndex, ParentNode])[] {
  const found: [NodeIndex, ParentNode][] = [];
  for (let index = 1; index < tree.nodes.length; index += 2) {
    const parent = tree.parentOrNull(asNodeIndex(index));
    if (parent !== null) found.push([asNodeIndex(index), parent]);
  }
  return found;
}

type Unmerged = ReadonlyMap<NodeIndex, ReadonlySet<LeafIndex>>;

/** Section 12.4.3.1: sorted, members, below the node, and unmerged all the way down. */
export function checkUnmergedLeaves(tree: RatchetTree): void {
  const parents = parentsOf(tree);
  const unmerged: Unmerged = new Map(parents.map(([index, parent]) => [index, new Set(parent.unmergedLeaves)]));
  for (const [index, parent] of parents) checkUnmergedLeavesOf(tree, index, parent.unmergedLeaves, unmerged);
}

function checkUnmergedLeavesOf(
  tree: RatchetTree,
  index: NodeIndex,
  listed: readonly LeafIndex[],
  unmerged: Unmerged,
): void {
  const isSorted = listed.every((leaf, place) => place === 0 || leaf > (listed[place - 1] ?? leaf));
  if (!isSorted) throw new UnmergedLeavesInvalid();
  for (const leaf of listed) {
    if (!isBelow(leaf, index) || tree.leafOrNull(leaf) === null) throw new UnmergedLeavesInvalid();
    checkUnmergedBelow(index, leaf, unmerged);
  }
}

function checkUnmergedBelow(index: NodeIndex, leaf: LeafIndex, unmerged: Unmerged): void {
  for (let between = childTowards(index, leaf); !isLeaf(between); between = childTowards(between, leaf)) {
    if (unmerged.get(between)?.has(leaf) === false) throw new UnmergedLeavesInvalid();
  }
}

/** Section 7.9.2: every parent node was put there by a member below it. */
export function checkParentHashes(tree: RatchetTree): void {
  for (const [index, parent] of parentsOf(tree)) {
    const [one, other] = [left(index), right(index)];
    const isBound = isBoundFrom(tree, parent, one, other) || isBoundFrom(tree, parent, other, one);
    if (!isBound) throw new ParentHashInvalid();
  }
}

/** Whether the one node under `child` that is not unmerged names this parent's hash. */
function isBoundFrom(tree: RatchetTree, parent: ParentNode, child: NodeIndex, other: NodeIndex): boolean {
  const unmerged = parent.unmergedLeaves.filter((leaf) => isBelow(leaf, child)).map(nodeOf);
  const resolution = new Set(tree.resolution(child));
  if (!unmerged.every((node) => resolution.delete(node))) return false;
  const [bound, ...more] = resolution;
  if (bound === undefined || more.length > 0) return false;
  const carried = carriedParentHash(tree, bound);
  return carried !== null && sameBytes(carried, parentHash(tree, parent, other));
}

function carriedParentHash(tree: RatchetTree, node: NodeIndex): Bytes | null {
  if (!isLeaf(node)) return tree.parentOrNull(node)?.parentHash ?? null;
  const { source } = tree.leaf(leafOf(node));
  return source.kind === "CommitSource" ? source.parentHash : null;
}
