// RFC 9420 section 4 and 7.7: the public ratchet tree, a value, and the changes it can undergo.

import type { Bytes } from "../../bytes.ts";
import { replace } from "../codec.ts";
import type { CipherSuite } from "../crypto/suites.ts";
import { BlankLeaf, MalformedTree } from "../errors.ts";
import { type LeafIndex, type NodeIndex, asLeafIndex, asNodeIndex } from "../messages/indexes.ts";
import type { LeafNode } from "../messages/leaf_nodes.ts";
import { type Node, type ParentNode, RatchetTreeExtension } from "../messages/ratchet_tree.ts";
import { directPath, isLeaf, leafSlots, left, nodeCount, nodeOf, right } from "./math.ts";

type Slot = Node | null;
type KnownHash = Bytes | null;

function blanks(count: number): null[] {
  return Array.from({ length: count }, () => null);
}

/** All nodes in order. `hashes` remembers tree hashes that are still true (section 7.8). */
export class RatchetTree {
  constructor(
    readonly suite: CipherSuite,
    readonly nodes: readonly Slot[],
    readonly hashes: KnownHash[],
  ) {}

  static ofOne(suite: CipherSuite, leaf: LeafNode): RatchetTree {
    return new RatchetTree(suite, [leaf], [null]);
  }

  /** Section 12.4.3.3: leaves and parents in their places, no blanks at the end. */
  static fromExtension(suite: CipherSuite, extension: RatchetTreeExtension): RatchetTree {
    const { nodes } = extension;
    if (nodes.length === 0 || nodes.at(-1) === null) throw new MalformedTree();
    for (const [index, node] of nodes.entries()) {
      const wanted = isLeaf(asNodeIndex(index)) ? "LeafNode" : "ParentNode";
      if (node !== null && node.kind !== wanted) throw new MalformedTree();
    }
    const size = nodeCount(leafSlots(nodes.length));
    return new RatchetTree(suite, [...nodes, ...blanks(size - nodes.length)], blanks(size));
  }

  toExtension(): RatchetTreeExtension {
    let end = this.nodes.length;
    while (end > 0 && this.nodes[end - 1] === null) end -= 1;
    return RatchetTreeExtension.of({ nodes: this.nodes.slice(0, end) });
  }

  /** How many leaves the tree has room for, a power of two. */
  get slots(): number {
    return (this.nodes.length + 1) / 2;
  }

  node(index: NodeIndex): Slot {
    return this.nodes[index] ?? null;
  }

  /** The leaf, or null if it is blank or beyond the tree. */
  leafOrNull(leaf: LeafIndex): LeafNode | null {
    const node = this.node(nodeOf(leaf));
    return node?.kind === "LeafNode" ? node : null;
  }

  /** The leaf; throws `BlankLeaf` if there is none. */
  leaf(leaf: LeafIndex): LeafNode {
    const node = this.leafOrNull(leaf);
    if (node === null) throw new BlankLeaf();
    return node;
  }

  parentOrNull(index: NodeIndex): ParentNode | null {
    const node = this.node(index);
    return node?.kind === "ParentNode" ? node : null;
  }

  /** The key of a node in a resolution, which is never blank. */
  encryptionKey(index: NodeIndex): Bytes {
    const node = this.node(index);
    if (node === null) throw new BlankLeaf();
    return node.encryptionKey;
  }

  members(): readonly (readonly [LeafIndex, LeafNode])[] {
    const found: [LeafIndex, LeafNode][] = [];
    for (let index = 0; index < this.nodes.length; index += 2) {
      const node = this.nodes[index];
      if (node?.kind === "LeafNode") found.push([asLeafIndex(index / 2), node]);
    }
    return found;
  }

  leaves(): readonly LeafNode[] {
    return this.members().map(([, leaf]) => leaf);
  }

  /** Section 4.1.1: the fewest non-blank nodes that cover all members below. */
  resolution(top: NodeIndex): readonly NodeIndex[] {
    const found: NodeIndex[] = [];
    const waiting = [top];
    for (let index = waiting.pop(); index !== undefined; index = waiting.pop()) {
      const node = this.node(index);
      if (node !== null) {
        found.push(index);
        if (node.kind === "ParentNode") found.push(...node.unmergedLeaves.map(nodeOf));
      } else if (!isLeaf(index)) {
        waiting.push(right(index), left(index));
      }
    }
    return found;
  }

  edit(): TreeEdit {
    return new TreeEdit(this);
  }
}

/** Changes on the way from one tree to the next. */
export class TreeEdit {
  readonly #suite: CipherSuite;
  readonly #nodes: Slot[];
  readonly #hashes: KnownHash[];
  #firstBlank = 0;

  constructor(tree: RatchetTree) {
    this.#suite = tree.suite;
    this.#nodes = [...tree.nodes];
    this.#hashes = [...tree.hashes];
  }

  finish(): RatchetTree {
    return new RatchetTree(this.#suite, this.#nodes, this.#hashes);
  }

  get slots(): number {
    return (this.#nodes.length + 1) / 2;
  }

  setLeaf(leaf: LeafIndex, node: LeafNode | null): void {
    this.#set(nodeOf(leaf), node);
    for (const above of directPath(leaf, this.slots)) this.#hashes[above] = null;
  }

  /** Only along a path whose leaf is set too, which is what forgets the hashes above. */
  setParent(index: NodeIndex, node: ParentNode | null): void {
    this.#set(index, node);
  }

  blankPath(leaf: LeafIndex): void {
    for (const above of directPath(leaf, this.slots)) this.#set(above, null);
  }

  /** Section 12.1.2: a new leaf, and nothing above it that others would trust. */
  update(leaf: LeafIndex, node: LeafNode): void {
    this.setLeaf(leaf, node);
    this.blankPath(leaf);
  }

  /** Section 12.1.3; call `truncate` after the last removal. */
  remove(leaf: LeafIndex): void {
    if (leaf >= this.slots || (this.#nodes[nodeOf(leaf)] ?? null) === null) throw new BlankLeaf();
    this.setLeaf(leaf, null);
    this.blankPath(leaf);
    this.#firstBlank = 0;
  }

  /** Section 7.7: drop the right half as long as nobody is in it. */
  truncate(): void {
    while (this.slots > 1 && this.#isRightHalfEmpty()) {
      const middle = (this.#nodes.length - 1) / 2;
      this.#nodes.length = middle;
      this.#hashes.length = middle;
    }
  }

  /** Section 12.1.1: in a wider tree if every leaf is taken. */
  leftmostBlank(): LeafIndex {
    for (let index = this.#firstBlank; index < this.slots; index += 1) {
      if (this.#nodes[2 * index] === null) {
        this.#firstBlank = index + 1;
        return asLeafIndex(index);
      }
    }
    const leaf = this.slots;
    const wider = blanks(this.#nodes.length + 1);
    this.#nodes.push(...wider);
    this.#hashes.push(...wider);
    this.#firstBlank = leaf + 1;
    return asLeafIndex(leaf);
  }

  /** Section 12.1.1: at the leftmost blank leaf, unmerged at every parent above. */
  add(node: LeafNode): LeafIndex {
    const leaf = this.leftmostBlank();
    this.setLeaf(leaf, node);
    for (const above of directPath(leaf, this.slots)) {
      const parent = this.#nodes[above];
      if (parent?.kind === "ParentNode") {
        const unmergedLeaves = [...parent.unmergedLeaves, leaf].sort((one, other) => one - other);
        this.#set(above, replace(parent, { unmergedLeaves }));
      }
    }
    return leaf;
  }

  #isRightHalfEmpty(): boolean {
    const middle = (this.#nodes.length - 1) / 2;
    for (let index = middle + 1; index < this.#nodes.length; index += 2) {
      if (this.#nodes[index] !== null) return false;
    }
    return true;
  }

  #set(index: NodeIndex, node: Slot): void {
    this.#nodes[index] = node;
    this.#hashes[index] = null;
  }
}
