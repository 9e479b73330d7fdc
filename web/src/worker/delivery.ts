// Delivered marks: what the server says others have stored, and what this device tells it.

import { ProblemError } from "../api/http.ts";
import type { ConversationRecord, MessageRecord } from "../store/records.ts";
import type { DeliveryAdvanced } from "../wire.ts";
import type { Context } from "./context.ts";
import type { Conversation } from "./conversation.ts";
import type { DeliveryState } from "./protocol.ts";

const WAIT = 150;
const MOST_SHOWN = 200;

/** `delivered` once every other device that was a member then has stored it. */
export function deliveryOf(
  record: Readonly<ConversationRecord>,
  message: Readonly<MessageRecord>,
  ownDeviceId: string,
): DeliveryState | null {
  const { delivery, position } = message;
  if (delivery !== "sent" || position === null) return delivery;
  const others = Object.entries(record.members).filter(
    ([key, { joinedPosition, deliveredPosition, isGone }]) =>
      !key.startsWith(ownDeviceId) && joinedPosition <= position && (!isGone || deliveredPosition >= position),
  );
  const isThere = others.length > 0 && others.every(([, { deliveredPosition }]) => deliveredPosition >= position);
  return isThere ? "delivered" : "sent";
}

/** Another device has stored everything up to a position. */
export async function deliveryAdvanced(
  context: Context,
  conversation: Conversation,
  event: DeliveryAdvanced,
): Promise<void> {
  const known = conversation.record.members[event.device_id];
  if (known === undefined) return context.refreshMembers(conversation);
  if (known.deliveredPosition >= event.position) return;
  const before = known.deliveredPosition;
  await context.lock.run(() =>
    conversation.saveReceived((draft) => {
      const member = draft.members[event.device_id];
      if (member) member.deliveredPosition = Math.max(member.deliveredPosition, event.position);
    }),
  );
  await showOwn(context, conversation, before, event.position);
}

/** Own messages after one position, up to another, may have become `delivered`. */
export async function showOwn(
  context: Context,
  conversation: Conversation,
  after: number,
  upTo: number,
): Promise<void> {
  const messages = await context.records.newest("messages", conversation.id, upTo + 1, MOST_SHOWN);
  const own = messages.filter(({ sequence, delivery }) => sequence > after && delivery !== null);
  if (own.length > 0) context.changed(conversation.id, own.map(({ id }) => id));
}

/** Tells the server what is stored here, gathered over a moment. */
export class DeliveryMarks {
  readonly #context: Context;
  readonly #due = new Set<Conversation>();
  readonly #told = new Map<string, number>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(context: Context) {
    this.#context = context;
    context.closed.addEventListener("abort", () => clearTimeout(this.#timer));
  }

  touch(conversation: Conversation): void {
    this.#due.add(conversation);
    this.#timer ??= setTimeout(() => void this.#tell(), WAIT);
  }

  async #tell(): Promise<void> {
    this.#timer = undefined;
    const due = [...this.#due];
    this.#due.clear();
    await Promise.all(due.map((conversation) => this.#mark(conversation)));
  }

  async #mark(conversation: Conversation): Promise<void> {
    const { cursor } = conversation.record;
    if ((this.#told.get(conversation.id) ?? 0) >= cursor) return;
    try {
      await this.#context.connection.command({
        type: "mark_delivered",
        conversation_id: conversation.id,
        position: cursor,
      });
      this.#told.set(conversation.id, cursor);
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error; // else: told again at the next connection
    }
  }
}
