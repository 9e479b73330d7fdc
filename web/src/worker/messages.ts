// Records of messages: how they are made, and how they get their place.

import { ProblemError } from "../api/http.ts";
import {
  type ConversationRecord,
  type FileBody,
  type MessageBody,
  type MessageRecord,
  type OutboxRecord,
  UNPLACED,
  type Unit,
} from "../store/records.ts";
import type { Content as MessageContent, SharedFile } from "../wire.ts";
import type { Amendment } from "./amendments.ts";
import type { Context } from "./context.ts";
import type { Conversation } from "./conversation.ts";
import type { Problem } from "./protocol.ts";
import { limit } from "./lifetimes.ts";
import type { Entry } from "./server.ts";

type Content = Exclude<OutboxRecord["content"], Amendment>;

export function problemOf(error: unknown): Problem {
  if (error instanceof ProblemError) return { code: error.code, detail: error.detail, facts: error.facts };
  return { code: "engine_failed", detail: "Something went wrong on this device." };
}

/** What is kept of a message's content. */
export function bodyOf(content: Exclude<MessageContent, Amendment> | null): MessageBody {
  switch (content?.type) {
    case "text":
      return { type: "text", text: content.text };
    case "conversation_named":
      return { type: "named", name: content.name };
    case "lifetime_set":
      return { type: "lifetime", lifetime: content.lifetime };
    case "file":
      return fileBody(content);
    case undefined:
      return { type: "unreadable" };
  }
}

/** An entry of the log as it is kept and shown. */
export function receivedRecord(
  conversation: Conversation,
  entry: Pick<Entry, "position" | "created_at" | "sender_device_id">,
  senderId: string,
  body: MessageBody,
): MessageRecord {
  return {
    // An id of another device's choosing must not reach a record of ours.
    id: `${conversation.id}:${entry.position}`,
    conversationId: conversation.id,
    sequence: entry.position,
    position: entry.position,
    senderId,
    senderDeviceId: entry.sender_device_id ?? "",
    at: entry.created_at,
    body,
    delivery: null,
    problem: null,
  };
}

function fileBody(content: SharedFile): FileBody {
  const { attachment_id: attachmentId, name, media_type: mediaType, size, key, sha256 } = content;
  return { type: "file", attachmentId, name, mediaType, size, key, sha256 };
}

export function noteContent(
  draft: ConversationRecord,
  record: MessageRecord,
  content: MessageContent | null,
  mine: boolean,
): void {
  // A conversation of two is called by the other's name, which the other must not choose.
  if (content?.type === "conversation_named" && draft.kind === "group") draft.name = content.name;
  if (content?.type === "lifetime_set") draft.lifetime = content.lifetime;
  if (content?.type !== "text" && content?.type !== "file") return;
  draft.lastMessage = { id: record.id, text: content.type === "text" ? content.text : content.name, at: record.at, mine };
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
  const outgoing = await context.records.get("outbox", messageId);
  const unit = context.records.unit();
  // Kept until the log shows it too: only by these bytes is the echo known to be ours.
  if (position <= conversation.record.cursor) unit.remove("outbox", messageId);
  else if (outgoing) unit.put("outbox", messageId, { ...outgoing, position });
  if (isKnown) {
    record.position = position;
    record.sequence = position;
    record.delivery = "sent";
    record.problem = null;
    if (at !== null) record.at = at;
    limit(context, unit, record, outgoing?.content ?? null, at ?? new Date(context.now()).toISOString());
    unit.put("messages", messageId, record);
  }
  await unit.commit("relaxed"); // a repeated send has the same answer
  if (!isKnown) return;
  context.changed(conversation.id, [messageId]);
  context.goes(record);
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
    ...replyOf(content),
  };
  return [message, outgoing(messageId, conversationId, sequence, content)];
}

/** What an answer answers, as it is kept. */
export function replyOf(content: MessageContent | null): { replyTo?: number } {
  const replyTo = content?.type === "text" ? (content.reply_to ?? null) : null;
  return replyTo === null ? {} : { replyTo };
}

function outgoing(
  messageId: string,
  conversationId: string,
  sequence: number,
  content: OutboxRecord["content"],
): OutboxRecord {
  return { messageId, conversationId, sequence, content, ciphertext: null, failed: false, position: null };
}

/** What goes out without a row of its own on the screen. */
export function queuedSilently(context: Context, conversationId: string, content: OutboxRecord["content"]): OutboxRecord {
  return outgoing(crypto.randomUUID(), conversationId, nextSequence(context.now()), content);
}

/** New members have read nothing before them, so whoever adds them repeats what was agreed on. */
export function repeatTerms(context: Context, draft: ConversationRecord, unit: Unit): void {
  const { name, lifetime = null } = draft;
  const terms: Content[] = [
    ...(name === null ? [] : [{ type: "conversation_named", name } as const]),
    ...(lifetime === null ? [] : [{ type: "lifetime_set", lifetime } as const]),
  ];
  for (const content of terms) {
    const waiting = queuedSilently(context, draft.id, content);
    unit.put("outbox", waiting.messageId, waiting);
  }
}

/** What new members are told again is no news to the others. */
export function isKnownTerm({ name, lifetime = null }: Readonly<ConversationRecord>, content: MessageContent | null): boolean {
  if (content?.type === "conversation_named") return content.name === name;
  return content?.type === "lifetime_set" && content.lifetime === lifetime;
}
