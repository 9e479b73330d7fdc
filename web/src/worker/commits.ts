// Changing who is in a conversation: commits that must win their epoch, and the wish to leave.

import { ProblemError, isProblem } from "../api/http.ts";
import { fromBase64, toBase64 } from "../bytes.ts";
import type { Group, Member } from "../mls-group.ts";
import { encodeEnvelope } from "./content.ts";
import type { Context } from "./context.ts";
import type { Conversation } from "./conversation.ts";
import { catchUp } from "./inbox.ts";
import type { ClaimedKeyPackage } from "./server.ts";

const MOST_ATTEMPTS = 10;
/** A commit of hybrid key packages has to fit into a frame. */
const MOST_ADDED_AT_ONCE = 50;
/** Who else committed has changed what a commit must be; the next attempt sees it. */
const OVERTAKEN = ["stale_epoch", "already_member", "proposals_pending"];
/** Nobody knows whether it was stored: the same bytes are sent again later. */
export const UNSURE = ["offline", "unavailable", "overloaded"];

/** What a commit is to change of the group as it is then. */
type Wanted = (group: Group) => { add: readonly ClaimedKeyPackage[]; remove: readonly Member[] };

/** Adds every device of these people that is not in the group; resolves when it is done. */
export async function addMembers(
  context: Context,
  conversation: Conversation,
  claimed: readonly ClaimedKeyPackage[],
): Promise<void> {
  for (let start = 0; start < claimed.length; start += MOST_ADDED_AT_ONCE) {
    const some = claimed.slice(start, start + MOST_ADDED_AT_ONCE);
    await changeMembers(context, conversation, (group) => {
      const present = new Set(group.members.map(({ deviceId }) => deviceId));
      return { add: some.filter(({ device_id }) => !present.has(device_id)), remove: [] };
    });
  }
}

/** Removes these members, as far as they are still there. */
export async function removeMembers(
  context: Context,
  conversation: Conversation,
  isMeant: (member: Member) => boolean,
): Promise<void> {
  await changeMembers(context, conversation, (group) => ({ add: [], remove: group.members.filter(isMeant) }));
}

/** Removes who is to be removed, unless another device did; nobody may speak before. */
export async function commitWaiting(context: Context, conversation: Conversation): Promise<void> {
  await changeMembers(context, conversation, () => ({ add: [], remove: [] }));
}

async function changeMembers(context: Context, conversation: Conversation, wanted: Wanted): Promise<void> {
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
    await catchUp(context, conversation);
    if (!conversation.isOpen) throw new ProblemError("conversation_broken", conversation.record.notice ?? "");
    if (conversation.record.pendingCommit === null && !(await stage(context, conversation, wanted))) return;
    await submitPending(context, conversation);
  }
  throw new ProblemError("stale_epoch", "The members changed too often. Try again.");
}

/** Makes the commit and keeps it with the group it leads to. False: there is nothing to change. */
function stage(context: Context, conversation: Conversation, wanted: Wanted): Promise<boolean> {
  return context.lock.run(async () => {
    const group = await conversation.group();
    const { add, remove } = wanted(group);
    if (add.length + remove.length + group.leaving.length === 0) return false;
    if (group.isLeaving) throw new ProblemError("leaving", "This device is leaving the conversation.");
    const [messageId, envelope] = envelopeFor(context, conversation);
    const packages = add.map(({ key_package }) => fromBase64(key_package));
    const sight = context.trust.look();
    const changes = { add: packages, remove };
    const made = await context.mls.commit(group, changes, envelope, sight.at(context.now()));
    await conversation.save((draft, unit) => {
      sight.keep(unit);
      draft.pendingCommit = {
        messageId,
        commit: toBase64(made.commit),
        welcome: made.welcome && toBase64(made.welcome),
        groupInfo: toBase64(made.groupInfo),
        next: { secret: toBase64(made.next.saveSecret()), tree: toBase64(made.next.saveTree()) },
      };
    });
    return true;
  });
}

export function envelopeFor(context: Context, conversation: Conversation) {
  const messageId = crypto.randomUUID();
  const envelope = encodeEnvelope({
    conversation_id: conversation.id,
    message_id: messageId,
    sender_device_id: context.me.deviceId,
    last_position: conversation.record.cursor,
  });
  return [messageId, envelope] as const;
}

/** Sends the commit that is kept. It is applied, or dropped, where the log says so. */
export async function submitPending(context: Context, conversation: Conversation): Promise<void> {
  const pending = conversation.record.pendingCommit;
  if (pending === null) return;
  try {
    await context.connection.command({
      type: "submit_commit",
      conversation_id: conversation.id,
      message_id: pending.messageId,
      commit: pending.commit,
      group_info: pending.groupInfo,
      welcome: pending.welcome,
    });
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    if (UNSURE.includes(error.code)) {
      context.commitSoon(conversation); // without a connection it comes again with the next one
      throw error;
    }
    await catchUp(context, conversation);
    await dropPending(context, conversation, pending.messageId);
    if (OVERTAKEN.includes(error.code)) return;
    throw error;
  }
  await catchUp(context, conversation);
}

async function dropPending(context: Context, conversation: Conversation, messageId: string): Promise<void> {
  await context.lock.run(async () => {
    if (conversation.record.pendingCommit?.messageId !== messageId) return;
    await conversation.save((draft) => {
      draft.pendingCommit = null;
    });
  });
}

/** Asks the others to remove this device; resolves when the wish has its place in the log. */
export async function leave(context: Context, conversation: Conversation): Promise<void> {
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
    await catchUp(context, conversation);
    if (!conversation.isOpen || (await conversation.group()).isLeaving) return;
    const { messageId, proposal } = await stagedLeave(context, conversation);
    try {
      await context.connection.command({
        type: "submit_proposal",
        conversation_id: conversation.id,
        message_id: messageId,
        proposal,
      });
    } catch (error) {
      if (!(error instanceof ProblemError) || UNSURE.includes(error.code)) throw error;
      await dropLeave(context, conversation);
      if (!isProblem(error, "stale_epoch")) throw error;
    }
  }
  throw new ProblemError("stale_epoch", "The members changed too often. Try again.");
}

function stagedLeave(context: Context, conversation: Conversation) {
  return context.lock.run(async () => {
    const { pendingLeave } = conversation.record;
    if (pendingLeave !== null) return pendingLeave;
    const [messageId, envelope] = envelopeFor(context, conversation);
    const rules = context.trust.look().at(context.now());
    const proposal = await context.mls.proposeLeaving(await conversation.group(), envelope, rules);
    const staged = { messageId, proposal: toBase64(proposal) };
    await conversation.save((draft) => {
      draft.pendingLeave = staged;
    });
    return staged;
  });
}

function dropLeave(context: Context, conversation: Conversation): Promise<void> {
  return context.lock.run(() =>
    conversation.save((draft) => {
      draft.pendingLeave = null;
    }),
  );
}

/** Commits removals that nobody else has committed yet. */
export class Committer {
  readonly #context: Context;
  readonly #within: number;
  readonly #done: (conversation: Conversation) => void;
  readonly #due = new Map<string, ReturnType<typeof setTimeout>>();

  /** `within`: the longest pause in milliseconds; a random one, lest all commit at once. */
  constructor(context: Context, within: number, done: (conversation: Conversation) => void) {
    this.#context = context;
    this.#within = within;
    this.#done = done;
    context.closed.addEventListener("abort", () => {
      for (const timer of this.#due.values()) clearTimeout(timer);
    });
  }

  soon(conversation: Conversation): void {
    if (this.#due.has(conversation.id) || this.#context.closed.aborted) return;
    const timer = setTimeout(() => {
      this.#due.delete(conversation.id);
      this.#done(conversation);
    }, Math.random() * this.#within);
    this.#due.set(conversation.id, timer);
  }
}
