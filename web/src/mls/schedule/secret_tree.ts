// RFC 9420 section 9: a key for every message, each derivable once.
//
// Both classes are values: taking a key gives the key and the state in which it is gone.

import { utf8 } from "../../bytes.ts";
import type { Secret } from "../crypto/secrets.ts";
import type { CipherSuite } from "../crypto/suites.ts";
import { GenerationTooFar, KeyAlreadyUsed } from "../errors.ts";
import type { LeafIndex, NodeIndex } from "../messages/indexes.ts";
import { childAwayFrom, childTowards, isLeaf, root } from "../tree/math.ts";

export const MOST_SKIPPED = 1_000;
export const MOST_STEPS = 5_000;
export const LAST_GENERATION = 2 ** 32 - 1;

const NOTHING = new Uint8Array(0);
const LEFT = utf8("left");
const RIGHT = utf8("right");

/** Handshake and application messages use different keys. */
export const RatchetKind = { HANDSHAKE: 0, APPLICATION: 1 } as const;
export type RatchetKind = (typeof RatchetKind)[keyof typeof RatchetKind];

/** Encrypts one message and no other. */
export interface MessageKey {
  readonly generation: number;
  readonly key: Secret;
  readonly nonce: Secret;
}

/** A key taken, and what is left. */
export interface Taken<T> {
  readonly key: MessageKey;
  readonly rest: T;
}

/** One sender's keys of one kind: the next, and those skipped on the way. */
export class Ratchet {
  constructor(
    readonly secret: Secret,
    readonly generation: number,
    readonly skipped: ReadonlyMap<number, MessageKey>,
  ) {}

  /** The sender's own next key. */
  next(suite: CipherSuite): Taken<Ratchet> {
    return this.at(suite, this.generation);
  }

  /** The key of a generation; throws `KeyAlreadyUsed` or `GenerationTooFar`. */
  at(suite: CipherSuite, generation: number): Taken<Ratchet> {
    if (generation < this.generation) return this.#takeSkipped(generation);
    if (generation - this.generation > MOST_STEPS || generation > LAST_GENERATION) throw new GenerationTooFar();
    return this.#stepTo(suite, generation);
  }

  #takeSkipped(generation: number): Taken<Ratchet> {
    const key = this.skipped.get(generation);
    if (key === undefined) throw new KeyAlreadyUsed();
    const left = new Map(this.skipped);
    left.delete(generation);
    return { key, rest: new Ratchet(this.secret, this.generation, left) };
  }

  #stepTo(suite: CipherSuite, generation: number): Taken<Ratchet> {
    const skipped = new Map(this.skipped);
    let { secret } = this;
    for (let passed = this.generation; passed < generation; passed += 1) {
      if (generation - passed <= MOST_SKIPPED) skipped.set(passed, messageKey(suite, secret, passed));
      secret = step(suite, secret, passed);
    }
    dropOldest(skipped);
    const key = messageKey(suite, secret, generation);
    return { key, rest: new Ratchet(step(suite, secret, generation), generation + 1, skipped) };
  }
}

/** Generations are added in their order, so the oldest come first. */
function dropOldest(skipped: Map<number, MessageKey>): void {
  for (const generation of skipped.keys()) {
    if (skipped.size <= MOST_SKIPPED) return;
    skipped.delete(generation);
  }
}

function messageKey(suite: CipherSuite, secret: Secret, generation: number): MessageKey {
  return {
    generation,
    key: suite.deriveTreeSecret(secret, "key", generation, suite.aead.keySize),
    nonce: suite.deriveTreeSecret(secret, "nonce", generation, suite.aead.nonceSize),
  };
}

function step(suite: CipherSuite, secret: Secret, generation: number): Secret {
  return suite.deriveTreeSecret(secret, "secret", generation, suite.hash.size);
}

/** Both ratchets of a sender. */
export type SenderRatchets = Readonly<Record<RatchetKind, Ratchet>>;

/** The secrets not yet used: those of untouched subtrees, and the ratchets begun. */
export class SecretTree {
  constructor(
    readonly suite: CipherSuite,
    readonly slots: number,
    readonly nodes: ReadonlyMap<NodeIndex, Secret>,
    readonly ratchets: ReadonlyMap<LeafIndex, SenderRatchets>,
  ) {}

  static of(suite: CipherSuite, encryptionSecret: Secret, slots: number): SecretTree {
    return new SecretTree(suite, slots, new Map([[root(slots), encryptionSecret]]), new Map());
  }

  nextKey(leaf: LeafIndex, kind: RatchetKind): Taken<SecretTree> {
    const [tree, ratchets] = this.#withRatchetsOf(leaf);
    return tree.#took(leaf, kind, ratchets, ratchets[kind].next(this.suite));
  }

  keyAt(leaf: LeafIndex, kind: RatchetKind, generation: number): Taken<SecretTree> {
    const [tree, ratchets] = this.#withRatchetsOf(leaf);
    return tree.#took(leaf, kind, ratchets, ratchets[kind].at(this.suite, generation));
  }

  #took(leaf: LeafIndex, kind: RatchetKind, ratchets: SenderRatchets, taken: Taken<Ratchet>): Taken<SecretTree> {
    const changed = { ...ratchets, [kind]: taken.rest };
    return { key: taken.key, rest: this.#withRatchets(leaf, changed) };
  }

  #withRatchets(leaf: LeafIndex, ratchets: SenderRatchets): SecretTree {
    return new SecretTree(this.suite, this.slots, this.nodes, new Map(this.ratchets).set(leaf, ratchets));
  }

  /** Walk from the lowest secret above the leaf down to it, leaving the other sides. */
  #withRatchetsOf(leaf: LeafIndex): [SecretTree, SenderRatchets] {
    const begun = this.ratchets.get(leaf);
    if (begun !== undefined) return [this, begun];
    const nodes = new Map(this.nodes);
    let [node, secret] = this.#lowestKnown(leaf);
    nodes.delete(node);
    while (!isLeaf(node)) {
      const [near, far] = [childTowards(node, leaf), childAwayFrom(node, leaf)];
      nodes.set(far, this.#child(secret, node, far));
      secret = this.#child(secret, node, near);
      node = near;
    }
    const ratchets = this.#ratchetsFrom(secret);
    return [new SecretTree(this.suite, this.slots, nodes, new Map(this.ratchets).set(leaf, ratchets)), ratchets];
  }

  #ratchetsFrom(secret: Secret): SenderRatchets {
    const begin = (label: string): Ratchet =>
      new Ratchet(this.suite.expandWithLabel(secret, label, NOTHING, this.suite.hash.size), 0, new Map());
    return { [RatchetKind.HANDSHAKE]: begin("handshake"), [RatchetKind.APPLICATION]: begin("application") };
  }

  /** One node above every leaf that has no ratchets yet still holds its secret. */
  #lowestKnown(leaf: LeafIndex): [NodeIndex, Secret] {
    let node = root(this.slots);
    while (!this.nodes.has(node) && !isLeaf(node)) node = childTowards(node, leaf);
    const secret = this.nodes.get(node);
    if (secret === undefined || leaf >= this.slots) throw new KeyAlreadyUsed();
    return [node, secret];
  }

  #child(secret: Secret, parent: NodeIndex, child: NodeIndex): Secret {
    const side = child < parent ? LEFT : RIGHT;
    return this.suite.expandWithLabel(secret, "tree", side, this.suite.hash.size);
  }
}
