// Records of messages: how they are made, and how they get their place.

import { ProblemError } from "../api/http.ts";
import {
  type ConversationRecord,
  type MessageBody,
  type MessageRecord,
  type OutboxRecord,
  UNPLACED,
  type Unit,
} from "../store/records.ts";
import type { Content as MessageContent } from "../wire.ts";
import type { Context } from "./context.ts";
import type { Conversation } from "./conversation.ts";
import type { Problem } from "./protocol.ts";

type Content = OutboxRecord["content"];

export function problemOf(error: unknown): Problem {
  if (error instanceof ProblemError) return { code: error.code, detail: error.detail };
  return { code: "engine_failed", detail: "Something went wrong on this device." };
}

/** What is kept of a message's content. */
export function bodyOf(content: MessageContent | null): MessageBody {
  switch (content?.type) {
    case "text":
      return { type: "text", text: content.text };
    case "conversation_named":
      return { type: "named", name: content.name };
    case undefined:
      return { type: "unreadable" };
  }
}

export function noteContent(
  draft: ConversationRecord,
  record: MessageRecord,
  content: MessageContent | null,
  mine: boolean,
): void {
  // A conversation of two is called by the other's name, which the other must not choose.
  if (content?.type === "conversation_named" && draft.kind === "group") draft.name = content.name;
  if (content?.type !== "text") return;
  draft.lastMessage = { text: content.text, at: record.at, mine };
  if (!mine) draft.unread += 1;
}

/** The server gave an own message its place: by its answer, or by the echo, whichever is first. */
export async function placed(
  context: Context,
  conversation: Conversation,
  messageId: string,
  position: number,
  at: string | null,
): Promise<void> {
  const record = await context.records.get("messages", messageId);
  const isKnown = record?.conversationId === conversation.id && record.senderDeviceId === context.me.deviceId;
  const unit = context.records.unit().remove("outbox", messageId);
  if (isKnown) {
    record.position = position;
    record.sequence = position;
    record.delivery = "sent";
    record.problem = null;
    if (at !== null) record.at = at;
    unit.put("messages", messageId, record);
  }
  await unit.commit("relaxed"); // a repeated send has the same answer
  if (isKnown) context.changed(conversation.id, [messageId]);
}

/** Milliseconds, made unique, so that messages keep the order in which they were written. */
let lastSequence = 0;
function nextSequence(now: number): number {
  lastSequence = Math.max(lastSequence + 1, UNPLACED + now);
  return lastSequence;
}

export function queued(
  context: Context,
  conversationId: string,
  messageId: string,
  content: Content,
): [MessageRecord, OutboxRecord] {
  const sequence = nextSequence(context.now());
  const message: MessageRecord = {
    id: messageId,
    conversationId,
    sequence,
    position: null,
    senderId: context.me.personId,
    senderDeviceId: context.me.deviceId,
    at: new Date(context.now()).toISOString(),
    body: bodyOf(content),
    delivery: "sending",
    problem: null,
  };
  return [message, { messageId, conversationId, sequence, content, ciphertext: null, failed: false }];
}

/** New members have read nothing before them, so whoever adds them repeats the name. */
export function announceName(context: Context, draft: ConversationRecord, unit: Unit): void {
  if (draft.name === null) return;
  const messageId = crypto.randomUUID();
  const content: Content = { type: "conversation_named", name: draft.name };
  const [, outgoing] = queued(context, draft.id, messageId, content);
  unit.put("outbox", messageId, outgoing);
}
