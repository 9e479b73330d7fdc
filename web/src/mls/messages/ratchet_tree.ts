// RFC 9420 section 7.1 and 12.4.3.3: the ratchet tree as it travels.

import { type ValueOf, opaque, optional, select, struct, vector } from "../codec.ts";
import { leafIndex } from "./indexes.ts";
import { LeafNode } from "./leaf_nodes.ts";

/** Section 7.8. */
export const NodeType = { LEAF: 1, PARENT: 2 } as const;

/** A key whose private half is known to the members below it, save the unmerged ones. */
export const ParentNode = struct("ParentNode", {
  encryptionKey: opaque,
  parentHash: opaque,
  unmergedLeaves: vector(leafIndex),
});
export type ParentNode = ValueOf<typeof ParentNode>;

export const Node = select(1, { [NodeType.LEAF]: LeafNode, [NodeType.PARENT]: ParentNode });
export type Node = ValueOf<typeof Node>;

/** All nodes in order, blanks included, up to the last that is not blank. */
export const RatchetTreeExtension = struct("RatchetTreeExtension", { nodes: vector(optional(Node)) });
export type RatchetTreeExtension = ValueOf<typeof RatchetTreeExtension>;
