// A server that was restored from a backup has forgotten what came after it.

import type { ConversationRecord, MessageRecord, Unit } from "../store/records.ts";
import type { Context } from "./context.ts";
import type { Conversation } from "./conversation.ts";
import { noteEnd } from "./lifetimes.ts";
import type { ConversationInfo, Entry } from "./server.ts";

const RESTORED =
  "The server was restored from a backup and has lost the latest messages here. What this device has read, it keeps.";
const STUCK = `${RESTORED} The encryption cannot go on from there: begin a new conversation.`;
const MOST_COMPARED = 50;

/**
 * Notices that the server's log ends before what was read here, says so, and goes on from its end.
 *
 * Keys are never set back: when the server is at an earlier epoch, nobody can go on.
 */
export async function noticeRestored(context: Context, conversation: Conversation): Promise<void> {
  const { cursor } = conversation.record;
  const now = await context.server.conversation(conversation.id); // later than the cursor
  if (now.last_position >= cursor) return;
  await context.lock.run(async () => {
    if (!conversation.isOpen) return;
    const { epoch } = await conversation.group();
    await goBack(context, conversation, now.last_position, (draft) => {
      draft.notice = epoch === now.epoch ? RESTORED : STUCK;
      if (epoch !== now.epoch) draft.state = "broken";
    });
  });
}

/**
 * The server is another incarnation of itself, whose log may already be longer than what was read
 * here and yet another one: positions were given out a second time. Goes back to where both part.
 */
export async function comparePositions(
  context: Context,
  conversation: Conversation,
  info: ConversationInfo,
): Promise<void> {
  const { cursor } = conversation.record;
  if (info.last_position < cursor) return; // `noticeRestored` sees that
  const known = await newestPlaced(context, conversation);
  const first = known[0]?.position ?? 0;
  const there = new Map<number, Entry>();
  for (let after = first - 1; known.length > 0 && after < cursor; ) {
    const { entries } = await context.server.entries(conversation.id, after);
    if (entries.length === 0) break;
    for (const entry of entries) there.set(entry.position, entry);
    after = entries.at(-1)?.position ?? cursor;
  }
  const parted = partingOf(known, there, cursor);
  if (parted === null) return;
  await context.lock.run(async () => {
    if (!conversation.isOpen || conversation.record.cursor !== cursor) return;
    await goBack(context, conversation, parted - 1, (draft) => {
      draft.notice = RESTORED;
    });
  });
}

/** What the log showed here last, lowest position first; what this device made up itself is not in it. */
async function newestPlaced(context: Context, conversation: Conversation): Promise<MessageRecord[]> {
  const { id, record } = conversation;
  const found = await context.records.newest("messages", id, record.cursor + 1, MOST_COMPARED);
  return found.filter(({ position, body }) => position !== null && !LOCAL.has(body.type)).reverse();
}

const LOCAL: ReadonlySet<string> = new Set(["rejoined", "stuck", "stuck_elsewhere"]);

/** The first position at which another entry stands than was read here; null if there is none. */
function partingOf(
  known: readonly MessageRecord[],
  there: ReadonlyMap<number, Entry>,
  cursor: number,
): number | null {
  const byPosition = new Map(known.map((record) => [record.position, record]));
  for (let position = known[0]?.position ?? cursor + 1; position <= cursor; position += 1) {
    const [record, entry] = [byPosition.get(position), there.get(position)];
    if (record !== undefined && !isSame(record, entry)) return position;
  }
  return null;
}

function isSame(record: MessageRecord, entry: Entry | undefined): boolean {
  if (entry === undefined) return false;
  if (record.id === entry.message_id) return true; // an own one
  return record.senderDeviceId === (entry.sender_device_id ?? "") && Date.parse(record.at) === Date.parse(entry.created_at);
}

/** Sets the cursor back. What was read behind it loses its place to what the server says now, and stays. */
async function goBack(
  context: Context,
  conversation: Conversation,
  position: number,
  also: (draft: ConversationRecord) => void,
): Promise<void> {
  const { cursor } = conversation.record;
  const behind = await context.records.oldest("messages", conversation.id, position, cursor - position + MOST_COMPARED);
  const lost = behind.filter((record) => record.position !== null && record.position <= cursor);
  await conversation.save((draft, unit) => {
    for (const record of lost) setAside(unit, record, position + record.sequence / (cursor + 1) / 2);
    draft.cursor = position;
    also(draft);
  });
  context.changed(conversation.id, lost.map(({ id }) => id));
}

/** Received messages are called by their place, which another one will take. */
function setAside(unit: Unit, record: MessageRecord, sequence: number): void {
  const isOwn = !record.id.startsWith(record.conversationId);
  const id = isOwn ? record.id : `${record.id}@${crypto.randomUUID()}`;
  const kept = { ...record, id, position: null, sequence };
  if (!isOwn) unit.remove("messages", record.id).remove("due", record.id);
  unit.put("messages", id, kept);
  noteEnd(unit, kept);
}
