// RFC 9420 appendix C: where nodes stand in a full tree of `2^d` leaves, kept as an array.
//
// Leaves have even node indexes. Growing and shrinking the tree moves no node. Leaf indexes go up
// to 2^32 - 1, so node indexes do not fit in 32 bits: no bit operators here, but for small numbers.

import { type LeafIndex, type NodeIndex, asLeafIndex, asNodeIndex } from "../messages/indexes.ts";

export function nodeCount(leaves: number): number {
  return 2 * leaves - 1;
}

/** How many leaves the smallest full tree with that many nodes has. */
export function leafSlots(nodes: number): number {
  let leaves = 1;
  while (nodeCount(leaves) < nodes) leaves *= 2;
  return leaves;
}

export function nodeOf(leaf: LeafIndex): NodeIndex {
  return asNodeIndex(2 * leaf);
}

export function leafOf(node: NodeIndex): LeafIndex {
  return asLeafIndex(Math.floor(node / 2));
}

export function isLeaf(node: NodeIndex): boolean {
  return node % 2 === 0;
}

/** How far above the leaves a node is: the number of ones at the end of its index. */
export function level(node: NodeIndex): number {
  let height = 0;
  for (let rest: number = node; rest % 2 === 1; rest = (rest - 1) / 2) height += 1;
  return height;
}

export function root(leaves: number): NodeIndex {
  return asNodeIndex(leaves - 1);
}

/** The left child of a parent node. */
export function left(node: NodeIndex): NodeIndex {
  return asNodeIndex(node - 2 ** (level(node) - 1));
}

/** The right child of a parent node. */
export function right(node: NodeIndex): NodeIndex {
  return asNodeIndex(node + 2 ** (level(node) - 1));
}

/** The parent, which for the root is outside the tree. */
export function parent(node: NodeIndex): NodeIndex {
  const step = 2 ** level(node);
  const isLeftChild = Math.floor(node / (2 * step)) % 2 === 0;
  return asNodeIndex(isLeftChild ? node + step : node - step);
}

export function sibling(node: NodeIndex): NodeIndex {
  const above = parent(node);
  return node < above ? right(above) : left(above);
}

/** The ancestors of a leaf, the root last. */
export function directPath(leaf: LeafIndex, leaves: number): readonly NodeIndex[] {
  const top = root(leaves);
  const path: NodeIndex[] = [];
  for (let node = nodeOf(leaf); node !== top; ) {
    node = parent(node);
    path.push(node);
  }
  return path;
}

/** Whether the leaf is below the node, or is the node. */
export function isBelow(leaf: LeafIndex, node: NodeIndex): boolean {
  const reach = 2 ** level(node) - 1;
  return 2 * leaf >= node - reach && 2 * leaf <= node + reach;
}

/** The child of a parent node that has this leaf below it. */
export function childTowards(node: NodeIndex, leaf: LeafIndex): NodeIndex {
  return nodeOf(leaf) < node ? left(node) : right(node);
}

/** The other child: the one on the leaf's copath. */
export function childAwayFrom(node: NodeIndex, leaf: LeafIndex): NodeIndex {
  return nodeOf(leaf) < node ? right(node) : left(node);
}

/** The lowest node that has both leaves below it. */
export function commonAncestor(one: LeafIndex, other: LeafIndex): NodeIndex {
  let node = nodeOf(one);
  while (!isBelow(other, node)) node = parent(node);
  return node;
}
