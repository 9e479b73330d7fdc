// How messages stand together: by day, and within a day by sender.

import type { MessageView } from "../../worker/protocol.ts";
import { dayOf } from "../time.ts";

const PAUSE = 5 * 60 * 1000;

export type Block =
  | { kind: "day"; key: string; at: string }
  /** Above the first message that was not read before. */
  | { kind: "unread"; key: string }
  | { kind: "notice"; key: string; message: MessageView }
  | { kind: "run"; key: string; senderName: string; mine: boolean; messages: MessageView[] };

export function grouped(messages: readonly MessageView[], firstUnread: string | null = null): Block[] {
  const blocks: Block[] = [];
  let before: MessageView | undefined;
  for (const message of messages) {
    if (before === undefined || dayOf(before.at) !== dayOf(message.at)) {
      blocks.push({ kind: "day", key: `day-${dayOf(message.at)}-${message.id}`, at: message.at });
    }
    if (message.id === firstUnread) blocks.push({ kind: "unread", key: "unread" });
    const last = blocks.at(-1);
    if (message.kind === "notice") {
      blocks.push({ kind: "notice", key: message.id, message });
    } else if (last?.kind === "run" && before !== undefined && belongTogether(before, message)) {
      last.messages.push(message);
    } else {
      blocks.push(runOf(message));
    }
    before = message;
  }
  return blocks;
}

function belongTogether(one: MessageView, next: MessageView): boolean {
  return one.senderId === next.senderId && Date.parse(next.at) - Date.parse(one.at) < PAUSE;
}

function runOf(message: MessageView): Block {
  const { id: key, senderName, mine } = message;
  return { kind: "run", key, senderName, mine, messages: [message] };
}
