// What could not be sent: where that is shown, tried again, and taken back.

import { ProblemError } from "../api/http.ts";
import type { Context } from "./context.ts";
import type { Conversation } from "./conversation.ts";
import { whatIsLeft } from "./lifetimes.ts";

const NOT_A_MEMBER = { code: "not_a_member", detail: "You are not in this conversation any more." };

/** Nobody will hear it any more: what waits to be sent is shown as not sent. */
export async function failWaiting(context: Context, conversation: Conversation): Promise<void> {
  const waiting = await context.records.oldest("outbox", conversation.id, -Infinity, Infinity);
  const unit = context.records.unit();
  for (const outgoing of waiting) {
    const message = await context.records.get("messages", outgoing.messageId);
    if (outgoing.position !== null || !message) continue;
    unit.put("outbox", outgoing.messageId, { ...outgoing, failed: true });
    unit.put("messages", message.id, { ...message, delivery: "failed", problem: NOT_A_MEMBER });
  }
  await unit.commit("relaxed");
  context.changed(conversation.id, waiting.map(({ messageId }) => messageId));
}

export async function retry(context: Context, messageId: string): Promise<void> {
  await context.lock.run(async () => {
    const outgoing = await context.records.get("outbox", messageId);
    const message = await context.records.get("messages", messageId);
    if (!outgoing || !message) return;
    outgoing.failed = false;
    message.delivery = "sending";
    message.problem = null;
    const unit = context.records.unit();
    await unit.put("outbox", messageId, outgoing).put("messages", messageId, message).commit();
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
    });
    context.refresh();
    return content.type === "text" ? content.text : "";
  });
}
