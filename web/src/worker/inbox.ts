// Takes a conversation's log entry by entry, in order, each with its new state in one transaction.

import { fromBase64, sameBytes } from "../bytes.ts";
import { CredentialRefused, parseCredential } from "../identity.ts";
import { Group, type Member, MlsRefused } from "../mls-engine.ts";
import type { ConversationRecord, MessageBody, MessageRecord } from "../store/records.ts";
import { ContentRefused, checkEnvelope, parseContent } from "./content.ts";
import type { Context } from "./context.ts";
import { type Conversation, accountsIn, othersIn } from "./conversation.ts";
import { announceName, bodyOf, noteContent, placed } from "./messages.ts";
import type { Entry } from "./server.ts";

const REFUSALS = [MlsRefused, ContentRefused, CredentialRefused, RangeError];
const UNREADABLE = "A message could not be opened. The ones after it are not affected.";
const STUCK =
  "This conversation stopped on this device: a change of its members could not be verified.";

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
  context.markDelivered(conversation);
}

async function take(context: Context, conversation: Conversation, entry: Entry): Promise<void> {
  const isMine = entry.sender_device_id === context.me.deviceId;
  switch (entry.kind) {
    case "message":
      return isMine ? ownMessage(context, conversation, entry) : message(context, conversation, entry);
    case "commit":
      return isMine ? ownCommit(context, conversation, entry) : commit(context, conversation, entry);
    case "proposal": // not in this version: nothing can refer to it, so nothing is lost
      return conversation.saveReceived((draft) => advance(draft, entry));
  }
}

function advance(draft: ConversationRecord, entry: Entry): void {
  draft.cursor = entry.position;
  draft.activeAt = entry.created_at;
}

function isRefusal(error: unknown): boolean {
  return REFUSALS.some((refusal) => error instanceof refusal);
}

/** What another device wrote. What does not open leaves the group as it was. */
async function message(context: Context, conversation: Conversation, entry: Entry): Promise<void> {
  const group = await conversation.group();
  try {
    const opened = await context.mls.decrypt(group, bytesOf(entry));
    const sender = parseCredential(opened.sender.identity);
    checkEnvelope(opened.authenticatedData, entry, sender.deviceId);
    const content = parseContent(opened.plaintext);
    const record = messageRecord(conversation, entry, sender.accountId, bodyOf(content));
    const isKnownName =
      content?.type === "conversation_named" && content.name === conversation.record.name;
    await conversation.saveReceived((draft, unit) => {
      advance(draft, entry);
      noteContent(draft, record, content, false);
      if (!isKnownName) unit.put("messages", record.id, record);
    }, opened.next);
    if (!isKnownName) await shown(context, conversation, record);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    await unreadable(context, conversation, entry);
  }
}

function bytesOf(entry: Entry) {
  try {
    return fromBase64(entry.data);
  } catch (cause) {
    throw new MlsRefused("not base64", { cause });
  }
}

function messageRecord(
  conversation: Conversation,
  entry: Entry,
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
    senderDeviceId: entry.sender_device_id,
    at: entry.created_at,
    body,
    delivery: null,
    problem: null,
  };
}

async function unreadable(context: Context, conversation: Conversation, entry: Entry): Promise<void> {
  const changed = context.trust.forget();
  const sender = conversation.record.members[entry.sender_device_id]?.personId ?? "";
  const record = messageRecord(conversation, entry, sender, { type: "unreadable" });
  await conversation.saveReceived((draft, unit) => {
    advance(draft, entry);
    draft.notice = changed.length > 0 ? keyChanged(context, changed) : UNREADABLE;
    unit.put("messages", record.id, record);
  });
  await shown(context, conversation, record);
}

function keyChanged(context: Context, accounts: readonly string[]): string {
  const names = accounts.map((account) => context.people.name(account)).join(", ");
  return `The security key of ${names} is not the one this device knows.`;
}

async function shown(context: Context, conversation: Conversation, record: MessageRecord): Promise<void> {
  await context.people.ensure([record.senderId].filter((id) => id !== ""));
  context.changed(conversation.id, [record.id]);
}

/** The echo of what this device sent: it has its place now, and needs no opening. */
async function ownMessage(context: Context, conversation: Conversation, entry: Entry): Promise<void> {
  await conversation.saveReceived((draft) => advance(draft, entry));
  await placed(context, conversation, entry.message_id, entry.position, entry.created_at);
}

async function commit(context: Context, conversation: Conversation, entry: Entry): Promise<void> {
  const group = await conversation.group();
  try {
    const processed = await context.mls.processCommit(group, bytesOf(entry));
    const sender = parseCredential(processed.sender.identity);
    if (processed.authenticatedData.length > 0) {
      checkEnvelope(processed.authenticatedData, entry, sender.deviceId);
    } else if (sender.deviceId !== entry.sender_device_id) {
      throw new ContentRefused("of another device");
    }
    await nextEpoch(context, conversation, entry, processed.next, processed.added, sender.accountId);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    await stuck(context, conversation);
  }
}

/** The own commit won its epoch. Only now is it applied, at its place in the log. */
async function ownCommit(context: Context, conversation: Conversation, entry: Entry): Promise<void> {
  const pending = conversation.record.pendingCommit;
  if (pending?.messageId !== entry.message_id) return stuck(context, conversation);
  if (!sameBytes(fromBase64(pending.commit), fromBase64(entry.data))) return stuck(context, conversation);
  const before = new Set((await conversation.group()).members.map(({ leafIndex }) => leafIndex));
  const next = Group.restore(fromBase64(pending.next));
  const added = next.members.filter(({ leafIndex }) => !before.has(leafIndex));
  await nextEpoch(context, conversation, entry, next, added, context.me.personId);
}

async function nextEpoch(
  context: Context,
  conversation: Conversation,
  entry: Entry,
  next: Group,
  added: readonly Member[],
  committer: string,
): Promise<void> {
  const { kind } = conversation.record;
  if (kind === "direct" && accountsIn(next).length > 2) throw new MlsRefused("three in a direct conversation");
  const personIds = [...new Set(added.map(({ identity }) => parseCredential(identity).accountId))];
  const record = messageRecord(conversation, entry, committer, { type: "added", personIds });
  const isNews = kind === "group" && personIds.length > 0;
  await conversation.saveReceived((draft, unit) => {
    advance(draft, entry);
    draft.personIds = othersIn(next, context.me.personId);
    draft.pendingCommit = null;
    if (isNews) unit.put("messages", record.id, record);
    if (committer === context.me.personId && isNews) announceName(context, draft, unit);
    context.trust.keep(unit);
  }, next);
  context.refreshMembers(conversation);
  await context.people.ensure([committer, ...personIds]);
  if (isNews) context.changed(conversation.id, [record.id]);
  context.refresh();
}

/** The next epoch cannot be reached from here: say so, and keep what there is. */
async function stuck(context: Context, conversation: Conversation): Promise<void> {
  const changed = context.trust.forget();
  await conversation.saveReceived((draft) => {
    draft.state = "broken";
    draft.notice = changed.length > 0 ? keyChanged(context, changed) : STUCK;
  });
  context.refresh();
}

