// Messages as pages see them.

import type { MessageView } from "../src/worker/protocol.ts";

/** Alice's text at a position, except for what is said otherwise. */
export function viewAt(position: number, more: Partial<MessageView> = {}): MessageView {
  return {
    id: `m${position}`,
    conversationId: "c",
    position,
    kind: "text",
    senderId: "alice",
    senderName: "Alice",
    mine: false,
    text: `${position}`,
    file: null,
    at: new Date(position * 1000).toISOString(),
    delivery: null,
    problem: null,
    unsent: null,
    reply: null,
    isEdited: false,
    reactions: [],
    until: null,
    ...more,
  };
}
