// A server that was restored from a backup has forgotten what came after it.

import type { Context } from "./context.ts";
import type { Conversation } from "./conversation.ts";

const RESTORED =
  "The server was restored from a backup and has lost the latest messages here. What this device has read, it keeps.";
const STUCK = `${RESTORED} The encryption cannot go on from there: begin a new conversation.`;

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
    await conversation.save((draft) => {
      draft.cursor = now.last_position;
      draft.notice = epoch === now.epoch ? RESTORED : STUCK;
      if (epoch !== now.epoch) draft.state = "broken";
    });
  });
}
