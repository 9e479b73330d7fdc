// RFC 9420 section 12.2 and 12.4: the proposals a commit covers, with who made them.

import type { Bytes } from "../../bytes.ts";
import { keyOf } from "../bytes_sets.ts";
import { UnknownProposal } from "../errors.ts";
import type { Commit, ProposalOrRef } from "../messages/commits.ts";
import type { AuthenticatedContent, Sender } from "../messages/framing.ts";
import type { LeafIndex } from "../messages/indexes.ts";
import type { ExternalInit, GroupContextExtensions, Proposal, ReInit, Update } from "../messages/proposals.ts";

type ProposalKind = Proposal["kind"];
type OfKind<K extends ProposalKind> = Extract<Proposal, { readonly kind: K }>;

const PATH_OPTIONAL: ReadonlySet<ProposalKind> = new Set<ProposalKind>(["Add", "PreSharedKey", "ReInit"]);

/** A proposal that was checked and waits for a commit to refer to it. */
export interface Sent {
  readonly reference: Bytes;
  readonly content: AuthenticatedContent;
  readonly proposal: Proposal;
  readonly sender: Sender;
}

/** Those that wait, by reference (see `keyOf`), in the order in which they came. */
export type Waiting = ReadonlyMap<string, Sent>;

export function sentOf(reference: Bytes, content: AuthenticatedContent): Sent {
  const said = content.content.content;
  if (said.kind !== "ProposalContent") throw new TypeError("only proposals wait for a commit");
  return { reference, content, proposal: said.proposal, sender: content.content.sender };
}

export function waitingOf(sent: readonly Sent[]): Waiting {
  return new Map(sent.map((each) => [keyOf(each.reference), each]));
}

/** A proposal about to take effect. */
export interface Committed {
  readonly proposal: Proposal;
  readonly sender: Sender;
  readonly isInline: boolean;
}

/** An Update and the leaf it replaces: its sender's. */
export interface LeafUpdate {
  readonly leaf: LeafIndex;
  readonly update: Update;
}

/** The proposals of one commit in their order. */
export class ProposalList {
  constructor(readonly items: readonly Committed[]) {}

  /** Section 12.4: look up what the commit refers to; throws `UnknownProposal`. */
  static resolve(proposals: Commit["proposals"], sender: Sender, waiting: Waiting): ProposalList {
    return new ProposalList(proposals.map((item) => resolve(item, sender, waiting)));
  }

  of<K extends ProposalKind>(kind: K): readonly OfKind<K>[] {
    const isOfKind = (proposal: Proposal): proposal is OfKind<K> => proposal.kind === kind;
    return this.items.map((item) => item.proposal).filter(isOfKind);
  }

  get updates(): readonly LeafUpdate[] {
    return this.items.flatMap(({ proposal, sender }) =>
      proposal.kind === "Update" && sender.kind === "Member" ? [{ leaf: sender.leafIndex, update: proposal }] : [],
    );
  }

  get contextExtensions(): GroupContextExtensions | null {
    return this.of("GroupContextExtensions")[0] ?? null;
  }

  get externalInit(): ExternalInit | null {
    return this.of("ExternalInit")[0] ?? null;
  }

  get reinit(): ReInit | null {
    return this.of("ReInit")[0] ?? null;
  }

  get removedLeaves(): readonly LeafIndex[] {
    return this.of("Remove").map((remove) => remove.removed);
  }

  /** Section 12.4: not if there is something, and all of it can do without. */
  get needsPath(): boolean {
    const isOptional = this.items.every((item) => PATH_OPTIONAL.has(item.proposal.kind));
    return !(this.items.length > 0 && isOptional);
  }
}

function resolve(item: ProposalOrRef, sender: Sender, waiting: Waiting): Committed {
  if (item.kind === "InlineProposal") return { proposal: item.proposal, sender, isInline: true };
  const sent = waiting.get(keyOf(item.reference));
  if (sent === undefined) throw new UnknownProposal();
  return { proposal: sent.proposal, sender: sent.sender, isInline: false };
}
