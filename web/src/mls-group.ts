// One epoch of a group as this client sees it: who is in it, and who came and went since the one before.

import { type Bytes, copyOf } from "./bytes.ts";
import { CredentialRefused as IdentityRefused, parseCredential } from "./identity.ts";
import { refusingNow } from "./mls-allowed.ts";
import { CredentialRefused } from "./mls/errors.ts";
import type { Group as State } from "./mls/group/group.ts";
import * as storage from "./mls/group/storage.ts";
import type { Credential } from "./mls/messages/credentials.ts";
import type { LeafIndex } from "./mls/messages/indexes.ts";
import type { LeafNode } from "./mls/messages/leaf_nodes.ts";
import type { RatchetTree } from "./mls/tree/ratchet_tree.ts";

export interface Member {
  readonly leafIndex: number;
  readonly accountId: string;
  readonly deviceId: string;
}

export interface Removal {
  readonly member: Member;
  /** Who wanted it: a member, perhaps the same one; null is the server. */
  readonly by: Member | null;
}

export interface Change {
  readonly added: readonly Member[];
  readonly removed: readonly Removal[];
}

/** Both parts of a group; while the epoch is the same, only `secret` differs. */
export interface SavedGroup {
  readonly secret: Bytes;
  readonly tree: Bytes;
}

/** One epoch of a group, with everything this device knows of it. */
export class Group {
  /** Only for mls-engine.ts. */
  readonly state: State;

  constructor(state: State) {
    this.state = state;
  }

  /** The log is in order and the server takes the current epoch only: past ones open nothing. */
  static entering(state: State): Group {
    return new Group(state.with({ past: [] }));
  }

  get id(): Bytes {
    return this.state.groupId;
  }

  get epoch(): number {
    return Number(this.state.epoch);
  }

  get suite(): number {
    return this.state.suite.number;
  }

  get ownLeaf(): number {
    return this.state.ownLeaf;
  }

  get members(): Member[] {
    return membersOf(this.state.tree);
  }

  /** The members who are to be removed by the next commit. */
  get leaving(): Member[] {
    return this.state.waitingRemovals.map((leaf) => memberAt(this.state.tree, leaf));
  }

  /** Whether somebody else has to remove this device. */
  get isLeaving(): boolean {
    return this.state.waitingRemovals.includes(this.state.ownLeaf);
  }

  /** For what is said in passing in this epoch: no message, and nothing that moves a ratchet. */
  passingSecret(): Bytes {
    return this.state.export("SecureChat 1.0 passing", new Uint8Array(0), 32);
  }

  /** Secret and small; changes with every message. */
  saveSecret(): Bytes {
    return storage.saveSecrets(this.state);
  }

  /** Public and large; changes with the epoch only. */
  saveTree(): Bytes {
    return storage.savePublic(this.state);
  }

  static restore({ secret, tree }: SavedGroup): Group {
    return refusingNow("the stored group cannot be read", () =>
      new Group(storage.load({ secret, public: tree })),
    );
  }
}

/** Who came and went by an own commit, or since: between the group that made it and the one it led to. */
export function changeBetween(before: Group, next: Group): Change {
  return changeTo(before, next.state.tree, memberAt(before.state.tree, before.state.ownLeaf));
}

/** Who came and went between a group and the tree that follows it. */
export function changeTo(before: Group, after: RatchetTree, committer: Member): Change {
  const [old, now] = [before.members, membersOf(after)];
  const [oldIds, nowIds] = [idsOf(old), idsOf(now)];
  const gone = old.filter(({ deviceId }) => !nowIds.has(deviceId));
  return {
    added: now.filter(({ deviceId }) => !oldIds.has(deviceId)),
    removed: gone.map((member) => ({ member, by: wantedBy(before, member, committer) })),
  };
}

function idsOf(members: readonly Member[]): ReadonlySet<string> {
  return new Set(members.map(({ deviceId }) => deviceId));
}

/** Whose proposal it was; whoever commits without one wants it too. */
function wantedBy(before: Group, { leafIndex }: Member, committer: Member): Member | null {
  for (const { proposal, sender } of before.state.public.proposals.values()) {
    if (proposal.kind !== "Remove" || proposal.removed !== leafIndex) continue;
    return sender.kind === "Member" ? memberAt(before.state.tree, sender.leafIndex) : null;
  }
  return committer;
}

export function identityIn(credential: Credential): Bytes {
  if (credential.kind !== "BasicCredential") throw new CredentialRefused("not a basic credential");
  return copyOf(credential.identity);
}

export function deviceOf(leaf: LeafNode): string {
  return credentialOf(leaf).deviceId;
}

export function memberOf(leaf: LeafNode, leafIndex: number): Member {
  const { accountId, deviceId } = credentialOf(leaf);
  return { leafIndex, accountId, deviceId };
}

/** Whatever is in a group was judged before. */
function credentialOf(leaf: LeafNode) {
  try {
    return parseCredential(identityIn(leaf.credential));
  } catch (error) {
    if (error instanceof IdentityRefused) throw new CredentialRefused(error.message);
    throw error;
  }
}

export function membersOf(tree: RatchetTree): Member[] {
  return tree.members().map(([index, leaf]) => memberOf(leaf, index));
}

export function memberAt(tree: RatchetTree, leaf: LeafIndex): Member {
  return memberOf(tree.leaf(leaf), leaf);
}
