// A public group as bytes, with the version of the form in front.

import type { Bytes } from "../../bytes.ts";
import { Reader, opaque, optional, struct, uint16, vector } from "../codec.ts";
import { type CipherSuite, cipherSuite } from "../crypto/suites.ts";
import { StoredStateInvalid } from "../errors.ts";
import { AuthenticatedContent, proposalReference } from "../messages/framing.ts";
import { GroupContext } from "../messages/group_context.ts";
import { ReInit } from "../messages/proposals.ts";
import { RatchetTreeExtension } from "../messages/ratchet_tree.ts";
import { RatchetTree } from "../tree/ratchet_tree.ts";
import { type Waiting, sentOf, waitingOf } from "./proposal_list.ts";
import { PublicGroup } from "./public_group.ts";

export const VERSION = 1;

/** Version 1. */
const StoredPublicGroup = struct("StoredPublicGroup", {
  version: uint16,
  context: GroupContext,
  confirmationTag: opaque,
  tree: RatchetTreeExtension,
  proposals: vector(AuthenticatedContent),
  reinit: optional(ReInit),
});

export function savePublicGroup(group: PublicGroup): Bytes {
  const stored = StoredPublicGroup.of({
    version: VERSION,
    context: group.context,
    confirmationTag: group.confirmationTag,
    tree: group.tree.toExtension(),
    proposals: [...group.proposals.values()].map((sent) => sent.content),
    reinit: group.reinit,
  });
  return StoredPublicGroup.encode(stored);
}

/** What was saved; the rules were checked before. Throws `StoredStateInvalid` or `DecodeError`. */
export function loadPublicGroup(data: Bytes): PublicGroup {
  checkVersion(data);
  const stored = StoredPublicGroup.decode(data);
  const suite = cipherSuite(stored.context.cipherSuite);
  const tree = RatchetTree.fromExtension(suite, stored.tree);
  const waiting = loadWaiting(suite, stored.proposals);
  return new PublicGroup(stored.context, tree, stored.confirmationTag, waiting, stored.reinit);
}

/** The form of stored state is one that we know. */
export function checkVersion(data: Bytes): void {
  const isKnown = data.length >= 2 && new Reader(data).uint(2) === VERSION;
  if (!isKnown) throw new StoredStateInvalid();
}

export function loadWaiting(suite: CipherSuite, contents: readonly AuthenticatedContent[]): Waiting {
  for (const { content } of contents) {
    if (content.content.kind !== "ProposalContent") throw new StoredStateInvalid();
  }
  return waitingOf(contents.map((content) => sentOf(proposalReference(suite, content), content)));
}
