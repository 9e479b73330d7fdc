// RFC 9420 sections 7.4 to 7.6: the half of the tree with keys in it.

import { type Bytes, sameBytes } from "../../bytes.ts";
import { replace } from "../codec.ts";
import type { KeyPair } from "../crypto/kem.ts";
import type { HpkePrivateKey, Secret } from "../crypto/secrets.ts";
import type { CipherSuite } from "../crypto/suites.ts";
import { NotARecipient, PathKeyMismatch } from "../errors.ts";
import { UpdatePath, UpdatePathNode } from "../messages/commits.ts";
import type { LeafIndex, NodeIndex } from "../messages/indexes.ts";
import type { LeafNode } from "../messages/leaf_nodes.ts";
import { commonAncestor, isBelow } from "./math.ts";
import { type PathStep, at, filteredPath, pairs, recipientsOf } from "./paths.ts";
import type { RatchetTree } from "./ratchet_tree.ts";

const LABEL = "UpdatePathNode";

export type NodeKeys = ReadonlyMap<NodeIndex, HpkePrivateKey>;

/** The private keys one member knows: its own leaf's and those above it that it was told. */
export class PrivateTree {
  constructor(
    readonly leaf: LeafIndex,
    readonly keys: NodeKeys,
  ) {}

  withKeys(keys: NodeKeys): PrivateTree {
    return replace<PrivateTree>(this, { keys: new Map([...this.keys, ...keys]) });
  }

  /** Only the keys of nodes that the change from one tree to the other left alone. */
  keptFor(before: RatchetTree, after: RatchetTree): PrivateTree {
    const kept = [...this.keys].filter(([index]) => {
      const [then, now] = [before.node(index), after.node(index)];
      return then !== null && now !== null && sameBytes(then.encryptionKey, now.encryptionKey);
    });
    return replace<PrivateTree>(this, { keys: new Map(kept) });
  }
}

/** The secrets of a filtered path from the bottom up, and the one past its end. */
export interface PathSecrets {
  readonly secrets: ReadonlyMap<NodeIndex, Secret>;
  readonly keys: ReadonlyMap<NodeIndex, KeyPair>;
  readonly commitSecret: Secret;
}

export function publicKeysOf(path: PathSecrets): readonly Bytes[] {
  return [...path.keys.values()].map((pair) => pair.public);
}

export function privateKeysOf(path: PathSecrets): NodeKeys {
  return new Map([...path.keys].map(([node, pair]) => [node, pair.private]));
}

/** Section 7.4: one secret for each node, each derived from the one below. */
export async function derivePath(suite: CipherSuite, first: Secret, nodes: readonly NodeIndex[]): Promise<PathSecrets> {
  const secrets = new Map<NodeIndex, Secret>();
  let secret = first;
  for (const node of nodes) {
    secrets.set(node, secret);
    secret = suite.deriveSecret(secret, "path");
  }
  const derived = [...secrets].map(
    async ([node, pathSecret]): Promise<[NodeIndex, KeyPair]> => [
      node,
      await suite.deriveKeyPair(suite.deriveSecret(pathSecret, "node")),
    ],
  );
  return { secrets, keys: new Map(await Promise.all(derived)), commitSecret: secret };
}

/** Where a path is sealed: who was added by the same commit, and the context of the next epoch. */
export interface PathContext {
  readonly added: readonly LeafIndex[];
  readonly context: Bytes;
}

/** Section 7.6: tell each node's secret to those on its other side. */
export async function sealPath(
  tree: RatchetTree,
  steps: readonly PathStep[],
  path: PathSecrets,
  leafNode: LeafNode,
  { added, context }: PathContext,
): Promise<UpdatePath> {
  const seal = tree.suite.encryptorWithLabel(LABEL, context);
  const nodes = steps.map(async (step) => {
    const secret = known(path.secrets, step.node);
    const sealed = recipientsOf(step, added).map((node) => seal(tree.encryptionKey(node), secret));
    const encryptionKey = known(path.keys, step.node).public;
    return UpdatePathNode.of({ encryptionKey, encryptedPathSecret: await Promise.all(sealed) });
  });
  return UpdatePath.of({ leafNode, nodes: await Promise.all(nodes) });
}

/** What a path has for one of its own nodes. */
export function known<T>(values: ReadonlyMap<NodeIndex, T>, node: NodeIndex): T {
  const value = values.get(node);
  if (value === undefined) throw new TypeError("the node is not on the path");
  return value;
}

/**
 * Find the secret sealed to us in a path whose shape was checked, and derive the rest.
 *
 * `tree` has the commit's proposals applied and not yet the path.
 */
export async function openPath(
  tree: RatchetTree,
  own: PrivateTree,
  sender: LeafIndex,
  path: UpdatePath,
  where: PathContext,
): Promise<PathSecrets> {
  const steps = filteredPath(tree, sender);
  const position = steps.findIndex((step) => isBelow(own.leaf, step.node));
  if (position < 0) throw new NotARecipient();
  const secret = await openStep(tree, own, at(steps, position), at(path.nodes, position), where);
  const nodes = steps.slice(position).map((step) => step.node);
  const published = path.nodes.slice(position).map((node) => node.encryptionKey);
  return deriveKnown(tree.suite, secret, nodes, published);
}

async function openStep(
  tree: RatchetTree,
  own: PrivateTree,
  step: PathStep,
  node: UpdatePathNode,
  { added, context }: PathContext,
): Promise<Secret> {
  for (const [recipient, sealed] of pairs(recipientsOf(step, added), node.encryptedPathSecret)) {
    const key = own.keys.get(recipient);
    if (key !== undefined) return tree.suite.decryptWithLabel(key, LABEL, context, sealed);
  }
  throw new NotARecipient();
}

/** The path from a secret on, if it leads to the public keys that everyone sees. */
async function deriveKnown(
  suite: CipherSuite,
  secret: Secret,
  nodes: readonly NodeIndex[],
  published: readonly Bytes[],
): Promise<PathSecrets> {
  const derived = await derivePath(suite, secret, nodes);
  const keys = publicKeysOf(derived);
  const isSame = keys.length === published.length && pairs(keys, published).every(([one, other]) => sameBytes(one, other));
  if (!isSame) throw new PathKeyMismatch();
  return derived;
}

/** Section 12.4.3.1: what a new member derives from the path secret in its Welcome. */
export async function joinedPath(
  tree: RatchetTree,
  leaf: LeafIndex,
  signer: LeafIndex,
  secret: Secret,
): Promise<PathSecrets> {
  const nodes = filteredPath(tree, signer).map((step) => step.node);
  const position = nodes.indexOf(commonAncestor(leaf, signer));
  if (position < 0) throw new NotARecipient(); // the signer claims to be the new member itself
  const above = nodes.slice(position);
  return deriveKnown(tree.suite, secret, above, above.map((node) => tree.encryptionKey(node)));
}
