// What pages see of the records.

import type { MessageRecord, NoticeBody } from "../store/records.ts";
import type { Context } from "./context.ts";
import type { Conversation } from "./conversation.ts";
import { deliveryOf } from "./delivery.ts";
import type { ConversationSummary, MessageView } from "./protocol.ts";

const UNREADABLE = "A message could not be opened.";

function listOf(names: readonly string[]): string {
  return new Intl.ListFormat("en", { type: "conjunction" }).format(names);
}

export function summaryOf(context: Context, conversation: Conversation): ConversationSummary {
  const { record } = conversation;
  const names = record.personIds.map((id) => context.people.name(id));
  return {
    id: record.id,
    kind: record.kind,
    title: (record.kind === "group" ? record.name : null) ?? listOf(names),
    personIds: [...record.personIds],
    lastMessage: record.lastMessage && { ...record.lastMessage },
    unread: record.unread,
    state: record.state === "creating" ? "joining" : record.state,
    notice: record.notice,
  };
}

export function messageView(
  context: Context,
  conversation: Conversation,
  message: MessageRecord,
): MessageView {
  const { body } = message;
  const mine = message.senderId === context.me.personId;
  return {
    id: message.id,
    conversationId: message.conversationId,
    position: message.position,
    kind: body.type === "text" ? "text" : "notice",
    senderId: message.senderId,
    senderName: message.senderId === "" ? "" : context.people.name(message.senderId),
    mine,
    text: body.type === "text" ? body.text : noticeText(context, message.senderId, body),
    at: message.at,
    delivery: deliveryOf(conversation.record, message, context.me.deviceId),
    problem: message.problem,
  };
}

function noticeText(context: Context, senderId: string, body: NoticeBody): string {
  const { personId: me } = context.me;
  const sender = senderId === me ? "You" : context.people.name(senderId);
  switch (body.type) {
    case "added": {
      const names = body.personIds.map((id) => (id === me ? "you" : context.people.name(id)));
      return `${sender} added ${listOf(names)}.`;
    }
    case "named":
      return `${sender} named the conversation “${body.name}”.`;
    case "unreadable":
      return UNREADABLE;
  }
}
