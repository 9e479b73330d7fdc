// What is said about a message that stands before it: how somebody feels about it, and that its sender changes
// it or takes it back. It has a place in the log and no row on the screen; it changes the message.

import type { ConversationRecord, MessageRecord, Unit } from "../store/records.ts";
import type { Content, Deleted, Edited, Reaction } from "../wire.ts";
import type { Context } from "./context.ts";
import type { Conversation } from "./conversation.ts";
import { whatIsLeft } from "./lifetimes.ts";

export type Amendment = Reaction | Edited | Deleted;

export function isAmendment(content: Content | null): content is Amendment {
  return content?.type === "reaction" || content?.type === "edited" || content?.type === "deleted";
}

/** The message at a place, if this device has it. */
export async function messageAt(context: Context, conversationId: string, position: number): Promise<MessageRecord | null> {
  const [found] = await context.records.newest("messages", conversationId, position + 1, 1);
  return found?.position === position ? found : null;
}

interface Change {
  message: MessageRecord;
  write(draft: ConversationRecord, unit: Unit): void;
}

/**
 * What the amendment makes of its message, to be written with whatever else is; null when it makes nothing of
 * it: the message is not here (any more), or is somebody else's to take back.
 */
export async function amended(
  context: Context,
  conversation: Conversation,
  amendment: Amendment,
  by: string,
): Promise<Change | null> {
  const message = await messageAt(context, conversation.id, amendment.about);
  if (message === null || !isSaid(message)) return null;
  if (amendment.type === "reaction") {
    const { [by]: _before, ...others } = message.reactions ?? {};
    message.reactions = amendment.emoji === null ? others : { ...others, [by]: amendment.emoji };
    return { message, write: (_draft, unit) => void unit.put("messages", message.id, message) };
  }
  if (message.senderId !== by) return null;
  if (amendment.type === "edited") return edited(message, amendment, await whatIsLeft(context, conversation, new Set()));
  const left = await whatIsLeft(context, conversation, new Set([message.id]));
  message.body = { type: "deleted" };
  delete message.reactions;
  return {
    message,
    write: (draft, unit) => {
      unit.put("messages", message.id, message);
      Object.assign(draft, left);
    },
  };
}

function edited(message: MessageRecord, { text }: Edited, { lastMessage }: Pick<ConversationRecord, "lastMessage">): Change | null {
  if (message.body.type !== "text") return null;
  message.body = { type: "text", text };
  message.isEdited = true;
  return {
    message,
    write: (draft, unit) => {
      unit.put("messages", message.id, message);
      if (lastMessage?.id === message.id) draft.lastMessage = { ...lastMessage, text };
    },
  };
}

/** Something that a person wrote or sent. */
export function isSaid({ body }: MessageRecord): boolean {
  return body.type === "text" || body.type === "file";
}
