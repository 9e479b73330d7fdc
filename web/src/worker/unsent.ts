// What could not be sent: where that is shown, tried again, and taken back.

import { ProblemError } from "../api/http.ts";
import type { MessageRecord, OutboxRecord } from "../store/records.ts";
import { type Amendment, isAmendment, messageAt } from "./amendments.ts";
import type { Context } from "./context.ts";
import type { Conversation } from "./conversation.ts";
import { whatIsLeft } from "./lifetimes.ts";
import type { Problem } from "./protocol.ts";

const NOT_A_MEMBER = { code: "not_a_member", detail: "You are not in this conversation any more." };

/** Nobody will have it: that is shown at the message itself, or at the one that it is about. */
export async function markUnsent(context: Context, outgoing: OutboxRecord, problem: Problem): Promise<void> {
  const { messageId, conversationId, content } = outgoing;
  const isChange = isAmendment(content);
  const message = isChange
    ? await messageAt(context, conversationId, content.about)
    : await context.records.get("messages", messageId);
  const unit = context.records.unit().put("outbox", messageId, { ...outgoing, failed: true });
  if (message) {
    const ids = [...(message.unsent?.ids ?? []), messageId];
    const shown = isChange ? { unsent: { ids, problem } } : { delivery: "failed" as const, problem };
    unit.put("messages", message.id, { ...message, ...shown });
  }
  await unit.commit();
  if (message) context.changed(conversationId, [message.id]);
}

/** Nobody will hear it any more: what waits to be sent is shown as not sent. */
export async function failWaiting(context: Context, conversation: Conversation): Promise<void> {
  const waiting = await context.records.oldest("outbox", conversation.id, -Infinity, Infinity);
  for (const outgoing of waiting) {
    if (outgoing.position === null && !outgoing.failed) await markUnsent(context, outgoing, NOT_A_MEMBER);
  }
}

/**
 * Whoever says something else about a message does not want to say again what could not be sent:
 * takes it out of the message, and returns what is to go from the outbox.
 */
export async function overtaken(context: Context, message: MessageRecord, type: Amendment["type"]): Promise<string[]> {
  if (!message.unsent) return [];
  const { ids } = message.unsent;
  const waiting = await Promise.all(ids.map((id) => context.records.get("outbox", id)));
  const gone = ids.filter((_id, place) => type === "deleted" || waiting[place]?.content.type === type);
  message.unsent.ids = ids.filter((id) => !gone.includes(id));
  if (message.unsent.ids.length === 0) delete message.unsent;
  return gone;
}

/** Sends the message again, or the changes of it that could not be sent. */
export async function retry(context: Context, messageId: string): Promise<void> {
  await context.lock.run(async () => {
    const message = await context.records.get("messages", messageId);
    if (!message) return;
    const unit = context.records.unit();
    for (const id of [messageId, ...(message.unsent?.ids ?? [])]) {
      const outgoing = await context.records.get("outbox", id);
      if (outgoing) unit.put("outbox", id, { ...outgoing, failed: false });
      if (outgoing && id === messageId) Object.assign(message, { delivery: "sending", problem: null });
    }
    delete message.unsent;
    await unit.put("messages", messageId, message).commit();
    context.changed(message.conversationId, [messageId]);
  });
}

/** Only what failed can be taken back; of anything else nobody knows whether it has gone out. */
export async function discard(context: Context, messageId: string): Promise<string> {
  return context.lock.run(async () => {
    const outgoing = await context.records.get("outbox", messageId);
    if (!outgoing?.failed) throw new ProblemError("not_found", "This message cannot be taken back.");
    const { content, conversationId } = outgoing;
    const conversation = context.conversations.get(conversationId);
    if (!conversation) throw new ProblemError("not_found", "There is no such conversation.");
    const body = (await context.records.get("messages", messageId))?.body;
    const left = await whatIsLeft(context, conversation, new Set([messageId]));
    await conversation.save((draft, unit) => {
      unit.remove("outbox", messageId).remove("messages", messageId);
      Object.assign(draft, left);
      if (body?.type === "lifetime" && draft.lifetime === body.lifetime) draft.lifetime = body.before ?? null;
      if (body?.type === "named" && draft.name === body.name) draft.name = body.before ?? null;
    });
    context.refresh();
    return content.type === "text" ? content.text : "";
  });
}
