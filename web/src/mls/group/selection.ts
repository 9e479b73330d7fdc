// RFC 9420 section 12.2 and 12.4: which of the waiting proposals go together in one commit.

import type { Bytes } from "../../bytes.ts";
import { keyOf } from "../bytes_sets.ts";
import { encodeAs } from "../codec.ts";
import type { LeafIndex } from "../messages/indexes.ts";
import type { Proposal } from "../messages/proposals.ts";
import { PreSharedKeyID } from "../messages/psks.ts";
import type { Policy } from "../public_group/policy.ts";
import type { Sent } from "../public_group/proposal_list.ts";
import type { Group } from "./group.ts";

type Leaves = ReadonlySet<LeafIndex>;

/**
 * References to all waiting proposals that are valid together with the inline ones.
 *
 * A removal goes before an update of the same leaf, the latest update before earlier ones, and
 * everything before a ReInit.
 */
export function selectWaiting(group: Group, inline: readonly Proposal[], policy: Policy): readonly Bytes[] {
  const waiting = [...group.public.proposals.values()];
  const goneInline = removedInline(inline);
  const removed = removedByWaiting(group, waiting, goneInline);
  const gone: Leaves = new Set([...removed, ...goneInline]);
  const kept = new Set([
    ...removals(waiting, removed),
    ...updates(group, waiting, gone),
    ...once(waiting, inline),
    ...adds(group, waiting, inline, gone, policy),
  ]);
  if (kept.size === 0 && inline.length === 0) {
    const reinit = waiting.find((sent) => sent.proposal.kind === "ReInit");
    if (reinit !== undefined) kept.add(reinit);
  }
  return waiting.filter((sent) => kept.has(sent)).map((sent) => sent.reference);
}

function removedInline(inline: readonly Proposal[]): Leaves {
  return new Set(inline.flatMap((proposal) => (proposal.kind === "Remove" ? [proposal.removed] : [])));
}

/** Whom the waiting proposals remove: not the committer, and nobody removed inline. */
function removedByWaiting(group: Group, waiting: readonly Sent[], goneInline: Leaves): Leaves {
  const leaves = waiting.flatMap(({ proposal }) => (proposal.kind === "Remove" ? [proposal.removed] : []));
  return new Set(leaves.filter((leaf) => !goneInline.has(leaf) && leaf !== group.ownLeaf));
}

function removals(waiting: readonly Sent[], removed: Leaves): Iterable<Sent> {
  const first = new Map<LeafIndex, Sent>();
  for (const sent of waiting) {
    if (sent.proposal.kind !== "Remove") continue;
    const leaf = sent.proposal.removed;
    if (removed.has(leaf) && !first.has(leaf)) first.set(leaf, sent);
  }
  return first.values();
}

function updates(group: Group, waiting: readonly Sent[], gone: Leaves): Iterable<Sent> {
  const latest = new Map<LeafIndex, Sent>();
  for (const sent of waiting) {
    if (sent.proposal.kind === "Update" && sent.sender.kind === "Member") latest.set(sent.sender.leafIndex, sent);
  }
  for (const leaf of [...gone, group.ownLeaf]) latest.delete(leaf);
  return latest.values();
}

/** What may be there once only: a pre-shared key by its name, and the group's extensions. */
function onceKey(proposal: Proposal): string | null {
  if (proposal.kind === "PreSharedKey") return `psk ${keyOf(encodeAs(PreSharedKeyID, proposal.psk))}`;
  return proposal.kind === "GroupContextExtensions" ? "extensions" : null;
}

/** Each pre-shared key once, and one replacement of the extensions. */
function once(waiting: readonly Sent[], inline: readonly Proposal[]): Iterable<Sent> {
  const seen = new Set(inline.map(onceKey));
  return waiting.filter((sent) => {
    const key = onceKey(sent.proposal);
    if (key === null || seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/** Those not in the group yet, each once. */
function adds(
  group: Group,
  waiting: readonly Sent[],
  inline: readonly Proposal[],
  gone: Leaves,
  policy: Policy,
): Iterable<Sent> {
  const staying = group.tree.members().flatMap(([index, leaf]) => (gone.has(index) ? [] : [leaf]));
  const coming = inline.flatMap((add) => (add.kind === "Add" ? [add.keyPackage.leafNode] : []));
  const present = new Set([...staying, ...coming].map(policy.clientOf));
  return waiting.filter(({ proposal }) => {
    if (proposal.kind !== "Add") return false;
    const client = policy.clientOf(proposal.keyPackage.leafNode);
    if (present.has(client)) return false;
    present.add(client);
    return true;
  });
}
