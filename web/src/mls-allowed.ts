// What of RFC 9420 is taken here: less than it knows, and anything else is refused as a whole.

import { sameBytes } from "./bytes.ts";
import { sameValue, vector } from "./mls/codec.ts";
import { MLSError } from "./mls/errors.ts";
import type { Group as State } from "./mls/group/group.ts";
import type { ProposalOrRef } from "./mls/messages/commits.ts";
import { Extension } from "./mls/messages/extensions.ts";
import { ContentType, type PublicMessage } from "./mls/messages/framing.ts";
import type { GroupInfo } from "./mls/messages/group_info.ts";
import type { MLSMessage } from "./mls/messages/mls_message.ts";

/** What was received is not valid, or not allowed here; nothing has changed. */
export class MlsRefused extends Error {
  override readonly name = "MlsRefused";

  /** The engine's stable word for it; ours when it is a rule of this client. */
  get code(): string {
    return this.cause instanceof MLSError ? this.cause.code : "not_allowed";
  }
}

/** Handshakes: Adds, Removes, who wants to leave, and a member's own device that comes back. */
export function checkIsAllowed({ content: { sender, content: said } }: PublicMessage): void {
  if (said.kind === "ProposalContent") {
    const { proposal } = said;
    if (proposal.kind !== "Remove") throw new MlsRefused("a proposal other than Remove");
    const isOwn = sender.kind === "Member" && sender.leafIndex === proposal.removed;
    if (!isOwn && sender.kind !== "External") throw new MlsRefused("a removal of somebody else");
  } else {
    const kinds = said.kind === "Commit" ? said.proposals.map(kindOf) : [];
    if (sender.kind === "NewMemberCommit") return checkIsRejoining(kinds);
    if (sender.kind !== "Member") throw new MlsRefused("a commit of who is not a member");
    if (!kinds.every((kind) => ["Add", "Remove", REFERENCE].includes(kind))) {
      throw new MlsRefused("a proposal other than Add and Remove");
    }
  }
}

const REFERENCE = "by reference";

function kindOf(item: ProposalOrRef): string {
  return item.kind === "InlineProposal" ? item.proposal.kind : REFERENCE;
}

/** Whose leaf it is that goes, the judge sees: only the same device follows it. */
function checkIsRejoining(kinds: readonly string[]): void {
  if (kinds.toSorted().join() !== "ExternalInit,Remove") throw new MlsRefused("somebody new from outside");
}

/** Of the same group, on the same terms, and later. */
export function checkFollows(before: State, { groupContext }: GroupInfo): void {
  const isSame =
    sameBytes(groupContext.groupId, before.groupId) &&
    groupContext.cipherSuite === before.suite.number &&
    sameValue(vector(Extension), groupContext.extensions, before.context.extensions);
  if (!isSame) throw new MlsRefused("another group");
  if (groupContext.epoch <= before.epoch) throw new MlsRefused("an earlier epoch than the one that is known");
}

export function checkIsApplication(group: State, { body }: MLSMessage): void {
  if (body.kind !== "PrivateMessage") throw new MlsRefused("not a PrivateMessage");
  if (body.contentType !== ContentType.APPLICATION) throw new MlsRefused("not application data");
  if (body.epoch !== group.epoch) throw new MlsRefused("another epoch");
}

/** Whatever the engine refuses is a refusal here; anything else that is thrown is a bug. */
export async function refusing<T>(what: string, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (cause) {
    throw refusalOf(what, cause);
  }
}

export function refusingNow<T>(what: string, operation: () => T): T {
  try {
    return operation();
  } catch (cause) {
    throw refusalOf(what, cause);
  }
}

function refusalOf(what: string, cause: unknown): unknown {
  return cause instanceof MLSError ? new MlsRefused(`${what}: ${cause.code}`, { cause }) : cause;
}
