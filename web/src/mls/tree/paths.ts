// RFC 9420 sections 4.1.2 and 7.5: the public half of a commit's path.

import type { Bytes } from "../../bytes.ts";
import type { LeafIndex, NodeIndex } from "../messages/indexes.ts";
import type { LeafNode } from "../messages/leaf_nodes.ts";
import { ParentNode } from "../messages/ratchet_tree.ts";
import { parentHash } from "./hashes.ts";
import { childAwayFrom, directPath, nodeOf } from "./math.ts";
import type { RatchetTree } from "./ratchet_tree.ts";

/** A node of the filtered direct path and those who have to be told its secret. */
export interface PathStep {
  readonly node: NodeIndex;
  readonly copathChild: NodeIndex;
  readonly resolution: readonly NodeIndex[];
}

/** Without the leaves added by the same commit, who learn it from their Welcome. */
export function recipientsOf(step: PathStep, added: readonly LeafIndex[]): readonly NodeIndex[] {
  const fresh = new Set(added.map(nodeOf));
  return step.resolution.filter((node) => !fresh.has(node));
}

/** Section 4.1.2: the direct path without the nodes whose other side is empty. */
export function filteredPath(tree: RatchetTree, leaf: LeafIndex): readonly PathStep[] {
  const steps: PathStep[] = [];
  for (const node of directPath(leaf, tree.slots)) {
    const copathChild = childAwayFrom(node, leaf);
    const resolution = tree.resolution(copathChild);
    if (resolution.length > 0) steps.push({ node, copathChild, resolution });
  }
  return steps;
}

/** A tree whose path has new keys and parent hashes, and what the leaf below has to carry. */
export interface NewPath {
  readonly tree: RatchetTree;
  readonly leafParentHash: Bytes;
}

/** Section 7.9: set the keys from the top down, each node bound to the one above. */
export function withPathKeys(
  tree: RatchetTree,
  leaf: LeafIndex,
  steps: readonly PathStep[],
  keys: readonly Bytes[],
): NewPath {
  if (steps.length !== keys.length) throw new TypeError("a path has one key for each step");
  const nodes: [NodeIndex, ParentNode][] = [];
  let hashAbove: Bytes = new Uint8Array(0);
  for (const [step, key] of pairs(steps, keys).reverse()) {
    const node = ParentNode.of({ encryptionKey: key, parentHash: hashAbove, unmergedLeaves: [] });
    nodes.push([step.node, node]);
    // The copath is not touched by the path, so the tree before it gives the same hashes.
    hashAbove = parentHash(tree, node, step.copathChild);
  }
  const edit = tree.edit();
  edit.blankPath(leaf);
  for (const [index, node] of nodes) edit.setParent(index, node);
  return { tree: edit.finish(), leafParentHash: hashAbove };
}

/** What stands at the same place in two lists of one length. */
export function pairs<A, B>(one: readonly A[], other: readonly B[]): [A, B][] {
  return one.map((value, index) => [value, at(other, index)]);
}

/** The item at a place that is known to be there. */
export function at<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new TypeError("nothing is at this place");
  return item;
}

/** The whole path: the keys above and the leaf that carries their parent hash. */
export function withLeaf(path: NewPath, leaf: LeafIndex, node: LeafNode): RatchetTree {
  const edit = path.tree.edit();
  edit.setLeaf(leaf, node);
  return edit.finish();
}
