// The way back into a group that this device cannot follow any more. Only a person takes it: what was
// sent meanwhile is lost here, and the server says what the group is.

import { ProblemError, isProblem } from "../api/http.ts";
import { type Bytes, fromBase64, toBase64 } from "../bytes.ts";
import { MlsRefused } from "../mls-allowed.ts";
import type { Committed, Rules } from "../mls-engine.ts";
import { Group, changeBetween } from "../mls-group.ts";
import type { PendingCommit, Rejoined } from "../store/records.ts";
import { UNSURE, envelopeFor } from "./commits.ts";
import type { Context } from "./context.ts";
import { type Conversation, accountsIn, othersIn } from "./conversation.ts";
import { membersChanged } from "./epochs.ts";
import { catchUp } from "./inbox.ts";
import { receivedRecord } from "./messages.ts";
import type { GroupNow } from "./server.ts";

const MOST_ATTEMPTS = 10;

/** Resolves when this device is in again; rejects with the reason, and nothing has changed. */
export async function rejoin(context: Context, conversation: Conversation): Promise<void> {
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
    if (conversation.record.state !== "broken") return;
    const pending = conversation.record.pendingRejoin ?? (await stage(context, conversation));
    const position = await submit(context, conversation, pending);
    if (position === null) continue;
    await context.lock.run(() => enter(context, conversation, pending, position));
    await catchUp(context, conversation);
    return;
  }
  throw new ProblemError("stale_epoch", "The members changed too often. Try again.");
}

/** Makes the commit, judged like an invitation, and keeps it before the server hears of it. */
async function stage(context: Context, conversation: Conversation): Promise<PendingCommit> {
  const now = await presentGroup(context, conversation);
  return context.lock.run(async () => {
    if (conversation.record.pendingRejoin) return conversation.record.pendingRejoin;
    const sight = context.trust.look();
    const [messageId, envelope] = envelopeFor(context, conversation);
    let made: Committed;
    try {
      made = await entered(context, conversation, now, { envelope, rules: sight.at(context.now()) });
    } catch (error) {
      if (!(error instanceof MlsRefused)) throw error;
      throw whyNot(context, sight.changed[0], (account) => sight.newKeyOf(account));
    }
    const pending = {
      messageId,
      commit: toBase64(made.commit),
      welcome: null,
      groupInfo: toBase64(made.groupInfo),
      next: { secret: toBase64(made.next.saveSecret()), tree: toBase64(made.next.saveTree()) },
    };
    await conversation.save((draft, unit) => {
      sight.keep(unit);
      draft.pendingRejoin = pending;
    });
    return pending;
  });
}

async function presentGroup(context: Context, conversation: Conversation): Promise<GroupNow> {
  try {
    return await context.server.group(conversation.id);
  } catch (error) {
    if (!isProblem(error, "not_found")) throw error;
    throw new ProblemError("not_a_member", "This device is not in the conversation any more.");
  }
}

async function entered(
  context: Context,
  conversation: Conversation,
  now: GroupNow,
  { envelope, rules }: { envelope: Bytes; rules: Rules },
): Promise<Committed> {
  const there = { groupInfo: fromBase64(now.group_info), tree: fromBase64(now.ratchet_tree) };
  const made = await context.mls.rejoin(await conversation.group(), there, envelope, rules);
  if (conversation.record.kind === "direct" && accountsIn(made.next).length > 2) {
    throw new MlsRefused("three in a direct conversation");
  }
  return made;
}

function whyNot(
  context: Context,
  changed: string | undefined,
  newKeyOf: (account: string) => string | null,
): ProblemError {
  if (changed === undefined) {
    return new ProblemError("rejoin_refused", "The group that the server shows could not be verified.");
  }
  const detail = `The security key of ${context.people.name(changed)} has changed.`;
  const facts = { person_id: changed, identity_key: newKeyOf(changed) };
  return new ProblemError("identity_key_changed", detail, 0, facts);
}

/** The position of the commit; null when others were quicker, so that it has to be made anew. */
async function submit(context: Context, conversation: Conversation, pending: PendingCommit): Promise<number | null> {
  try {
    return await context.connection.command({
      type: "submit_commit",
      conversation_id: conversation.id,
      message_id: pending.messageId,
      commit: pending.commit,
      group_info: pending.groupInfo,
      welcome: null,
    });
  } catch (error) {
    if (!(error instanceof ProblemError) || UNSURE.includes(error.code)) throw error;
    await context.lock.run(() =>
      conversation.save((draft) => {
        draft.pendingRejoin = null;
      }),
    );
    if (isProblem(error, "stale_epoch")) return null;
    throw error;
  }
}

async function enter(
  context: Context,
  conversation: Conversation,
  pending: PendingCommit,
  position: number,
): Promise<void> {
  if (conversation.record.pendingRejoin?.messageId !== pending.messageId) return; // another tab asked as well
  const { me } = context;
  const next = Group.restore({ secret: fromBase64(pending.next.secret), tree: fromBase64(pending.next.tree) });
  const before = await conversation.group();
  const { added, removed, left, revoked } = membersChanged(before, changeBetween(before, next));
  const body: Rejoined = { type: "rejoined", added, removed: [...removed, ...left, ...revoked] };
  const at = new Date(context.now()).toISOString();
  const entry = { position, created_at: at, sender_device_id: me.deviceId };
  const record = receivedRecord(conversation, entry, me.personId, body);
  const sent = await context.records.oldest("outbox", conversation.id, -Infinity, Infinity);
  const others = othersIn(next, me.personId);
  await conversation.save((draft, unit) => {
    draft.state = "open";
    draft.notice = null;
    draft.cursor = position;
    draft.activeAt = at;
    draft.pendingCommit = null;
    draft.pendingRejoin = null;
    if (draft.kind === "group" || others.length > 0) draft.personIds = others;
    unit.put("messages", record.id, record);
    // Their echoes lie before this place and will not be read.
    for (const { messageId, position: place } of sent) if (place !== null) unit.remove("outbox", messageId);
  }, next);
  context.refreshMembers(conversation);
  await context.people.ensure([...body.added, ...body.removed]);
  context.changed(conversation.id, [record.id]);
}
