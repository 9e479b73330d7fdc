// Takes a conversation's log entry by entry, in order, each with its new state in one transaction.

import type { Opened } from "../mls-engine.ts";
import { type Amendment, amended, isAmendment } from "./amendments.ts";
import { ContentRefused, checkEnvelope, parseContent } from "./content.ts";
import type { Context } from "./context.ts";
import type { Conversation } from "./conversation.ts";
import { advance, bytesOf, commit, isRefusal, ownCommit, ownProposal, passed, proposal } from "./epochs.ts";
import { isPast, limit } from "./lifetimes.ts";
import { bodyOf, isKnownTerm, noteContent, placed, receivedRecord, replyOf } from "./messages.ts";
import type { Entry } from "./server.ts";

const UNREADABLE = "A message could not be opened. The ones after it are not affected.";

/** Fetches and takes what the log holds after the cursor. Rejects when the server is not there. */
export async function catchUp(context: Context, conversation: Conversation): Promise<void> {
  while (conversation.isOpen && !context.closed.aborted) {
    const { cursor } = conversation.record;
    const page = await context.server.entries(conversation.id, cursor);
    await context.lock.run(async () => {
      for (const entry of page.entries) await takeIfNext(context, conversation, entry);
    });
    const { cursor: reached } = conversation.record;
    if (reached >= page.last_position || reached === cursor) break;
  }
}

/** An entry that came over the socket; answers false when others are missing before it. */
export async function hear(context: Context, conversation: Conversation, entry: Entry): Promise<boolean> {
  return context.lock.run(async () => {
    if (!conversation.isOpen) return true;
    await takeIfNext(context, conversation, entry);
    return entry.position <= conversation.record.cursor;
  });
}

/** What was taken already, or cannot be taken yet, is left alone. Call while holding the lock. */
async function takeIfNext(context: Context, conversation: Conversation, entry: Entry): Promise<void> {
  if (!conversation.isOpen || entry.position !== conversation.record.cursor + 1) return;
  await take(context, conversation, entry);
  if (conversation.isOpen) context.markDelivered(conversation);
}

async function take(context: Context, conversation: Conversation, entry: Entry): Promise<void> {
  const isMine = entry.sender_device_id === context.me.deviceId;
  switch (entry.kind) {
    case "message":
      if (entry.data === "") return expired(context, conversation, entry);
      return isMine ? ownMessage(context, conversation, entry) : message(context, conversation, entry);
    case "commit":
      return isMine ? ownCommit(context, conversation, entry) : commit(context, conversation, entry);
    case "proposal":
      return isMine ? ownProposal(context, conversation, entry) : proposal(context, conversation, entry);
  }
}

/** What another device wrote. What does not open leaves the group as it was. */
async function message(context: Context, conversation: Conversation, entry: Entry): Promise<void> {
  const group = await conversation.group();
  try {
    const opened = await context.mls.decrypt(group, bytesOf(entry));
    const { sender } = opened;
    if (sender.deviceId !== entry.sender_device_id) throw new ContentRefused("of another device");
    checkEnvelope(opened.authenticatedData, entry, sender.deviceId);
    const content = parseContent(opened.plaintext);
    if (isAmendment(content)) return await amendment(context, conversation, entry, { content, opened });
    const isOver = isPast(context, entry.created_at, content);
    const body = isOver ? ({ type: "expired" } as const) : bodyOf(content);
    const record = { ...receivedRecord(conversation, entry, sender.accountId, body), ...(isOver ? {} : replyOf(content)) };
    const isNews = !isKnownTerm(conversation.record, content);
    await conversation.saveReceived((draft, unit) => {
      advance(draft, entry);
      if (!isOver) noteContent(draft, record, content, false);
      if (!isOver) limit(context, unit, record, content);
      if (isNews) unit.put("messages", record.id, record);
    }, opened.next);
    if (isNews) await shown(context, conversation, record.id, sender.accountId);
    context.goes(record);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    await unreadable(context, conversation, entry);
  }
}

/** It changes a message that stands before it, and has no row of its own. */
async function amendment(
  context: Context,
  conversation: Conversation,
  entry: Entry,
  { content, opened }: { content: Amendment; opened: Opened },
): Promise<void> {
  const change = await amended(context, conversation, content, opened.sender.accountId);
  await conversation.saveReceived((draft, unit) => {
    passed(draft, entry);
    change?.write(draft, unit);
  }, opened.next);
  if (change) await shown(context, conversation, change.message.id, opened.sender.accountId);
}

/** The server has erased it: its time was over. What this device sent itself it has kept. */
async function expired(context: Context, conversation: Conversation, entry: Entry): Promise<void> {
  const sent = await context.records.get("outbox", entry.message_id);
  if (sent?.conversationId === conversation.id && entry.sender_device_id === context.me.deviceId) {
    await conversation.saveReceived((draft) => advance(draft, entry));
    await placed(context, conversation, entry.message_id, entry.position, entry.created_at);
    return;
  }
  const sender = conversation.record.members[entry.sender_device_id ?? ""]?.personId ?? "";
  const record = receivedRecord(conversation, entry, sender, { type: "expired" });
  await conversation.saveReceived((draft, unit) => {
    advance(draft, entry);
    unit.put("messages", record.id, record);
  });
  await shown(context, conversation, record.id, sender);
}

async function unreadable(context: Context, conversation: Conversation, entry: Entry): Promise<void> {
  const sender = conversation.record.members[entry.sender_device_id ?? ""]?.personId ?? "";
  const record = receivedRecord(conversation, entry, sender, { type: "unreadable" });
  await conversation.saveReceived((draft, unit) => {
    advance(draft, entry);
    draft.notice = UNREADABLE;
    unit.put("messages", record.id, record);
  });
  await shown(context, conversation, record.id, sender);
}

async function shown(
  context: Context,
  conversation: Conversation,
  messageId: string,
  senderId: string,
): Promise<void> {
  if (senderId !== "") await context.people.ensure([senderId]);
  context.changed(conversation.id, [messageId]);
}

/**
 * The echo of what this device sent: it has its place now, and needs no opening.
 *
 * The server could give this device's name to anybody's message, so the bytes have to be ours.
 */
async function ownMessage(context: Context, conversation: Conversation, entry: Entry): Promise<void> {
  const sent = await context.records.get("outbox", entry.message_id);
  const isMine = sent?.conversationId === conversation.id && sent.ciphertext === entry.data;
  if (!isMine) return unreadable(context, conversation, entry);
  await conversation.saveReceived((draft) => {
    if (isAmendment(sent.content)) passed(draft, entry);
    else advance(draft, entry);
    // Somebody else's choice may have got its place before this one.
    if (sent.content.type === "lifetime_set") draft.lifetime = sent.content.lifetime;
    if (sent.content.type === "conversation_named") draft.name = sent.content.name;
  });
  await placed(context, conversation, entry.message_id, entry.position, entry.created_at);
}
