// RFC 9420 sections 7.8 and 7.9: tree hashes and parent hashes.

import { type Bytes, concat } from "../../bytes.ts";
import { type ValueOf, encodeAs, encodeOpaque, opaque, optional, replace, select, struct } from "../codec.ts";
import { type LeafIndex, type NodeIndex, leafIndex } from "../messages/indexes.ts";
import { LeafNode } from "../messages/leaf_nodes.ts";
import { NodeType, ParentNode } from "../messages/ratchet_tree.ts";
import { isBelow, isLeaf, leafOf, left, right, root } from "./math.ts";
import type { RatchetTree } from "./ratchet_tree.ts";

/** Section 7.8. */
const LeafNodeHashInput = struct("LeafNodeHashInput", { leafIndex, leafNode: optional(LeafNode) });

/** Section 7.8. */
const ParentNodeHashInput = struct("ParentNodeHashInput", {
  parentNode: optional(ParentNode),
  leftHash: opaque,
  rightHash: opaque,
});

/** Section 7.8: what is hashed for one node. */
const TreeHashInput = select(1, {
  [NodeType.LEAF]: LeafNodeHashInput,
  [NodeType.PARENT]: ParentNodeHashInput,
});
type TreeHashInput = ValueOf<typeof TreeHashInput>;

const NOBODY: readonly LeafIndex[] = [];

export function treeHash(tree: RatchetTree): Bytes {
  return nodeHash(tree, root(tree.slots));
}

/** The tree hash of a subtree, computed once for as long as nothing below changes. */
export function nodeHash(tree: RatchetTree, node: NodeIndex): Bytes {
  const known = tree.hashes[node] ?? compute(tree, node, NOBODY);
  tree.hashes[node] = known;
  return known;
}

/** The tree hash that a subtree would have, had these leaves never been added. */
export function nodeHashWithout(tree: RatchetTree, node: NodeIndex, leaves: readonly LeafIndex[]): Bytes {
  const below = leaves.filter((leaf) => isBelow(leaf, node));
  return below.length > 0 ? compute(tree, node, below) : nodeHash(tree, node);
}

/** Goes down at most 32 levels, and only where the hash is not known. */
function compute(tree: RatchetTree, node: NodeIndex, without: readonly LeafIndex[]): Bytes {
  return tree.suite.hash.digest(encodeAs(TreeHashInput, hashInput(tree, node, without)));
}

function hashInput(tree: RatchetTree, node: NodeIndex, without: readonly LeafIndex[]): TreeHashInput {
  if (isLeaf(node)) {
    const leaf = leafOf(node);
    const leafNode = without.includes(leaf) ? null : tree.leafOrNull(leaf);
    return LeafNodeHashInput.of({ leafIndex: leaf, leafNode });
  }
  return ParentNodeHashInput.of({
    parentNode: parentWithout(tree.parentOrNull(node), without),
    leftHash: nodeHashWithout(tree, left(node), without),
    rightHash: nodeHashWithout(tree, right(node), without),
  });
}

function parentWithout(parent: ParentNode | null, without: readonly LeafIndex[]): ParentNode | null {
  if (parent === null || without.length === 0) return parent;
  const unmergedLeaves = parent.unmergedLeaves.filter((leaf) => !without.includes(leaf));
  return replace(parent, { unmergedLeaves });
}

/** Section 7.9: binds a node to the key and to the members on the other side of its parent. */
export function parentHash(tree: RatchetTree, parent: ParentNode, copathChild: NodeIndex): Bytes {
  const siblingHash = nodeHashWithout(tree, copathChild, parent.unmergedLeaves);
  const parts = [parent.encryptionKey, parent.parentHash, siblingHash];
  return tree.suite.hash.digest(concat(...parts.map(encodeOpaque)));
}
