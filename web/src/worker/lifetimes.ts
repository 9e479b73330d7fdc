// Messages that are not kept without end. For how long is written inside of each, by whoever sends it, and
// counts from its place in the log; once that is over nothing of it is left on this device.

import type { ConversationRecord, DueRecord, LastMessage, MessageRecord, OutboxRecord, Unit } from "../store/records.ts";
import { type Content, MAX_LIFETIME, MIN_LIFETIME } from "../wire.ts";
import { isLifetime } from "./content.ts";
import type { Context } from "./context.ts";
import type { Conversation } from "./conversation.ts";

const AT_A_TIME = 200;
/** Timers stand still while a computer sleeps. */
const LOOK_AGAIN_AFTER = 60_000;
const MOST_LOOKED_AT = 500;

/** The longest that messages here may be kept, whatever people want; null: nobody limits it. */
export function longestOf(context: Context, { limit = null }: Readonly<ConversationRecord>): number | null {
  const limits = [limit, context.organisationLimit].filter((each) => each !== null);
  return limits.length === 0 ? null : Math.min(...limits);
}

/** What somebody writes, with how long it is to be kept. */
export function limited<C extends OutboxRecord["content"]>(context: Context, { record }: Conversation, content: C): C {
  if (content.type !== "text" && content.type !== "file") return content;
  const limits = [record.lifetime ?? null, longestOf(context, record)].filter((each) => each !== null);
  const lifetime = Math.min(...limits);
  return isLifetime(lifetime) ? { ...content, lifetime } : content;
}

/** How long the server is to keep the ciphertext; beyond what it takes, its own limit counts. */
export function onServer(content: Content): number | null {
  const lifetime = lifetimeOf(content);
  return lifetime !== null && lifetime <= MAX_LIFETIME ? lifetime : null;
}

/** For as long as the message that it changes, which has gone on for a while. */
export function remaining(context: Context, { dueAt }: MessageRecord): { lifetime?: number } {
  if (dueAt === undefined) return {};
  return { lifetime: Math.max(MIN_LIFETIME, Math.ceil((dueAt - context.now()) / 1000)) };
}

/** It came when its time was over already. */
export function isPast(context: Context, at: string, content: Content | null): boolean {
  const dueAt = dueOf(context, at, content);
  return dueAt !== null && dueAt <= context.now();
}

/** Notes when the message is to go, where it gets its place; its time counts from `since`. */
export function limit(
  context: Context,
  unit: Unit,
  message: MessageRecord,
  content: Content | null,
  since = message.at,
): void {
  const dueAt = dueOf(context, since, content);
  if (dueAt !== null) message.dueAt = dueAt;
  noteEnd(unit, message);
}

/** Beside a message that is to go stands when. */
export function noteEnd(unit: Unit, { id: messageId, conversationId: within, dueAt }: MessageRecord): void {
  if (dueAt !== undefined) unit.put("due", messageId, { messageId, within, conversationId: "", sequence: dueAt });
}

/** A server whose clock is ahead, or that says no time at all, must not lengthen it. */
function dueOf(context: Context, at: string, content: Content | null): number | null {
  const lifetime = lifetimeOf(content);
  const now = context.now();
  return lifetime === null ? null : Math.min(Date.parse(at) || now, now) + lifetime * 1000;
}

function lifetimeOf(content: Content | null): number | null {
  const isLimited = content?.type === "text" || content?.type === "file" || content?.type === "edited";
  return isLimited ? (content.lifetime ?? null) : null;
}

export interface LifetimesOptions {
  context: Context;
  /** Nothing is left of these messages. */
  gone(conversationId: string, messageIds: readonly string[]): void;
  /** It is time to sweep. */
  due(): void;
}

/** Sees to it that messages go when they are due, and when this device wakes up later than that. */
export class Lifetimes {
  readonly #context: Context;
  readonly #options: LifetimesOptions;
  /** When the earliest is due; before the first sweep, that is not known. */
  #next = -Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: LifetimesOptions) {
    this.#options = options;
    this.#context = options.context;
    this.#context.closed.addEventListener("abort", () => clearTimeout(this.#timer));
  }

  /** The message is stored now. */
  expect({ dueAt = Infinity }: MessageRecord): void {
    if (dueAt >= this.#next) return;
    this.#next = dueAt;
    this.#arm();
  }

  /** Forgets what is due; call it without the lock, and before anything is shown. */
  async sweep(): Promise<void> {
    const { lock, closed, now } = this.#context;
    if (this.#next > now()) return this.#arm();
    for (let isMore = true; isMore && !closed.aborted; ) isMore = await lock.run(() => this.#some());
    this.#arm();
  }

  /** False: no more is due now, and when the next is is known. */
  async #some(): Promise<boolean> {
    const { records, now } = this.#context;
    const earliest = await records.oldest("due", "", -Infinity, AT_A_TIME);
    const due = earliest.filter(({ sequence }) => sequence <= now());
    for (const conversationId of new Set(due.map(({ within }) => within))) {
      await this.#forget(conversationId, due.filter(({ within }) => within === conversationId));
    }
    this.#next = earliest.find(({ sequence }) => sequence > now())?.sequence ?? Infinity;
    return due.length === AT_A_TIME;
  }

  async #forget(conversationId: string, due: readonly DueRecord[]): Promise<void> {
    const { conversations, records } = this.#context;
    const ids = new Set(due.map(({ messageId }) => messageId));
    const remove = (unit: Unit) => {
      for (const id of ids) unit.remove("messages", id).remove("due", id);
    };
    const conversation = conversations.get(conversationId);
    if (conversation === undefined) {
      const unit = records.unit();
      remove(unit);
      return unit.commit();
    }
    const left = await whatIsLeft(this.#context, conversation, ids);
    const changes = await this.#changesOf(conversationId, ids);
    await conversation.save((draft, unit) => {
      remove(unit);
      for (const change of changes) forgetChange(unit, change);
      Object.assign(draft, left);
    });
    this.#options.gone(conversationId, [...ids]);
  }

  /** What waits to be said about these messages. */
  async #changesOf(conversationId: string, ids: ReadonlySet<string>): Promise<OutboxRecord[]> {
    const { records } = this.#context;
    const messages = await Promise.all([...ids].map((id) => records.get("messages", id)));
    const positions = new Set(messages.map((message) => message?.position));
    const waiting = await records.oldest("outbox", conversationId, -Infinity, Infinity);
    return waiting.filter(({ content }) => "about" in content && positions.has(content.about));
  }

  #arm(): void {
    clearTimeout(this.#timer);
    if (this.#next === Infinity || this.#context.closed.aborted) return;
    const wait = Math.max(0, Math.min(LOOK_AGAIN_AFTER, this.#next - this.#context.now()));
    this.#timer = setTimeout(() => this.#options.due(), wait);
  }
}

/** What may have reached the server is kept without its text: only by its bytes its echo is known. */
function forgetChange(unit: Unit, change: OutboxRecord): void {
  if (change.ciphertext === null || change.failed) unit.remove("outbox", change.messageId);
  else if (change.content.type === "edited") {
    unit.put("outbox", change.messageId, { ...change, failed: true, content: { ...change.content, text: "" } });
  }
}

/** What the list of conversations says of one without these messages. */
export async function whatIsLeft(context: Context, { id, record }: Conversation, ids: ReadonlySet<string>) {
  const me = context.me.personId;
  const newest = await context.records.newest("messages", id, Infinity, MOST_LOOKED_AT);
  const said = newest.filter(({ body }) => body.type === "text" || body.type === "file");
  const last = said.find((message) => !ids.has(message.id));
  const unread = said.filter(({ senderId }) => senderId !== me).slice(0, record.unread);
  return {
    lastMessage: last ? lastMessageOf(last, me) : null,
    unread: record.unread - unread.filter((message) => ids.has(message.id)).length,
  };
}

function lastMessageOf({ id, body, at, senderId }: MessageRecord, me: string): LastMessage | null {
  if (body.type !== "text" && body.type !== "file") return null;
  return { id, text: body.type === "text" ? body.text : body.name, at, mine: senderId === me };
}
