// What this device wants to say: kept before it is sent, sent in order, and encrypted anew only when
// the server says that the bytes are of a past epoch (so it did not take them).

import { ProblemError, isProblem } from "../api/http.ts";
import { toBase64 } from "../bytes.ts";
import { RemovalsWait, TooLong, paddedSize } from "../mls-engine.ts";
import type { MessageRecord, OutboxRecord, Unit } from "../store/records.ts";
import { MAX_NAME_CHARACTERS, MAX_TEXT_CHARACTERS } from "../wire.ts";
import { type Amendment, amended } from "./amendments.ts";
import { UNSURE, commitWaiting } from "./commits.ts";
import { characters, encodeContent, encodeEnvelope } from "./content.ts";
import type { Context } from "./context.ts";
import { type Conversation, isUnfinished } from "./conversation.ts";
import { catchUp } from "./inbox.ts";
import { limited, onServer, remaining } from "./lifetimes.ts";
import { Lock } from "./lock.ts";
import { noteContent, placed, problemOf, queued, queuedSilently } from "./messages.ts";
import { markUnsent, overtaken } from "./unsent.ts";

const MOST_ATTEMPTS = 20;
const PAUSE = 5_000;

type Said = Exclude<OutboxRecord["content"], Amendment>;

/** Whether it was taken nobody knows, or it will be: the same bytes are sent again. */
const PASSING = ["time_out", "unexpected_answer", ...UNSURE];

function checkLength(content: Said): void {
  if (content.type === "lifetime_set") return;
  const text = content.type === "text" ? content.text : content.name;
  try {
    if (content.type !== "file" && text.trim() === "") throw new ProblemError("message_empty", "There is nothing to send.");
    const most = content.type === "conversation_named" ? MAX_NAME_CHARACTERS : MAX_TEXT_CHARACTERS;
    if (characters(text) > most) throw new TooLong();
    paddedSize(encodeContent(content).length);
  } catch (error) {
    if (!(error instanceof TooLong)) throw error;
    throw new ProblemError("message_too_long", "The message is too long.");
  }
}

/** Keeps a message and lets it go as soon as it can. The same id again is the same message. */
export async function enqueue(
  context: Context,
  conversation: Conversation,
  messageId: string,
  said: Said,
  also: (unit: Unit) => void = () => undefined,
): Promise<void> {
  checkLength(said);
  await context.lock.run(async () => {
    if (await context.records.get("messages", messageId)) return;
    const content = limited(context, conversation, said);
    const [message, outgoing] = queued(context, conversation.id, messageId, content);
    if (message.body.type === "lifetime") message.body.before = conversation.record.lifetime ?? null;
    if (message.body.type === "named") message.body.before = conversation.record.name;
    await conversation.save((draft, unit) => {
      unit.put("messages", messageId, message).put("outbox", messageId, outgoing);
      also(unit);
      draft.activeAt = message.at;
      if (said.type === "text") draft.draft = ""; // it is sent now
      noteContent(draft, message, content, true);
    });
  });
  context.changed(conversation.id, [messageId]);
  context.refresh();
}

/**
 * Keeps what is said about a message, and changes the message at once: nobody else's word can come between.
 * Rejects when there is nothing (any more) that could be changed.
 */
export async function amend(
  context: Context,
  conversation: Conversation,
  messageId: string,
  amendment: { type: "reaction"; emoji: string | null } | { type: "edited"; text: string } | { type: "deleted" },
): Promise<MessageRecord> {
  if (amendment.type === "edited") checkLength({ ...amendment, type: "text" });
  const changed = await context.lock.run(async () => {
    const message = await context.records.get("messages", messageId);
    const about = message?.position ?? null;
    const limit = message && amendment.type === "edited" ? remaining(context, message) : {};
    const content = about === null ? null : { ...amendment, about, ...limit };
    const change = content && (await amended(context, conversation, content, context.me.personId));
    if (!change || change.message.id !== messageId) throw new ProblemError("not_found", "This message cannot be changed.");
    const waiting = queuedSilently(context, conversation.id, content);
    const gone = await overtaken(context, change.message, amendment.type);
    await conversation.save((draft, unit) => {
      for (const id of gone) unit.remove("outbox", id);
      change.write(draft, unit);
      unit.put("outbox", waiting.messageId, waiting);
    });
    return change.message;
  });
  context.changed(conversation.id, [messageId]);
  context.refresh();
  return changed;
}

/** Sends what waits, one conversation at a time in its own order. */
export class Sender {
  readonly #context: Context;
  readonly #queues = new Map<string, Lock>();

  constructor(context: Context) {
    this.#context = context;
  }

  /** Resolves when nothing more can go out now; what is left goes with the next connection. */
  flush(conversation: Conversation): Promise<void> {
    const queue = this.#queues.get(conversation.id) ?? new Lock();
    this.#queues.set(conversation.id, queue);
    return queue.run(() => this.#flush(conversation));
  }

  async #flush(conversation: Conversation): Promise<void> {
    for (;;) {
      const { record } = conversation;
      if (!conversation.isOpen || record.pendingCommit !== null) return;
      if (!this.#context.connection.isReady || this.#context.closed.aborted) return;
      if (isUnfinished(conversation, await conversation.group())) return;
      const next = await this.#next(conversation);
      if (next === undefined) return;
      try {
        await this.#send(conversation, next.messageId);
      } catch (error) {
        if (isProblem(error, "offline")) return;
        if (error instanceof ProblemError && PASSING.includes(error.code)) return this.#later(conversation);
        await this.#failed(next.messageId, error);
      }
    }
  }

  /** The socket is there, and nothing else would ask again. */
  #later(conversation: Conversation): void {
    const timer = setTimeout(() => void this.flush(conversation), PAUSE);
    this.#context.closed.addEventListener("abort", () => clearTimeout(timer));
  }

  async #next(conversation: Conversation): Promise<OutboxRecord | undefined> {
    let after = -Infinity;
    for (;;) {
      const [next] = await this.#context.records.oldest("outbox", conversation.id, after, 1);
      if (next === undefined || (!next.failed && next.position === null)) return next;
      after = next.sequence;
    }
  }

  async #send(conversation: Conversation, messageId: string): Promise<void> {
    const context = this.#context;
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
      try {
        const sent = await this.#encrypted(conversation, messageId);
        if (sent === null) return; // its echo came meanwhile
        const position = await context.connection.command({
          type: "send_message",
          conversation_id: conversation.id,
          message_id: messageId,
          ...sent,
        });
        await context.lock.run(() => placed(context, conversation, messageId, position, null));
        return;
      } catch (error) {
        await this.#mend(conversation, messageId, error);
      }
    }
    throw new ProblemError("stale_epoch", "The members changed too often while this was being sent.");
  }

  /** Sees to it that the next attempt can go better; throws the error on when none can. */
  async #mend(conversation: Conversation, messageId: string, error: unknown): Promise<void> {
    const context = this.#context;
    if (error instanceof RemovalsWait) return commitWaiting(context, conversation);
    const isOvertaken = isProblem(error, "stale_epoch") || isProblem(error, "proposals_pending");
    if (!isOvertaken && !isProblem(error, "message_id_reused")) throw error;
    await catchUp(context, conversation);
    if (isOvertaken) await this.#anew(messageId);
    else if ((await context.records.get("outbox", messageId))?.position === null) throw error;
  }

  /** The group moves on, and the bytes are kept, before anything is sent. */
  #encrypted(conversation: Conversation, messageId: string): Promise<{ ciphertext: string; lifetime: number | null } | null> {
    const context = this.#context;
    return context.lock.run(async () => {
      const outgoing = await context.records.get("outbox", messageId);
      if (!outgoing || !conversation.isOpen) return null;
      const lifetime = onServer(outgoing.content);
      if (outgoing.ciphertext !== null) return { ciphertext: outgoing.ciphertext, lifetime };
      const envelope = encodeEnvelope({
        conversation_id: conversation.id,
        message_id: messageId,
        sender_device_id: context.me.deviceId,
        last_position: conversation.record.cursor,
      });
      const plaintext = encodeContent(outgoing.content);
      const { ciphertext, next } = await context.mls.encrypt(await conversation.group(), plaintext, envelope);
      outgoing.ciphertext = toBase64(ciphertext);
      await conversation.save((_draft, unit) => unit.put("outbox", messageId, outgoing), next);
      return { ciphertext: outgoing.ciphertext, lifetime };
    });
  }

  /** Nobody took these bytes and nobody will: the epoch they are of has passed. */
  #anew(messageId: string): Promise<void> {
    const context = this.#context;
    return context.lock.run(async () => {
      const outgoing = await context.records.get("outbox", messageId);
      if (!outgoing) return;
      outgoing.ciphertext = null;
      await context.records.unit().put("outbox", messageId, outgoing).commit();
    });
  }

  async #failed(messageId: string, error: unknown): Promise<void> {
    const context = this.#context;
    await context.lock.run(async () => {
      const outgoing = await context.records.get("outbox", messageId);
      if (outgoing) await markUnsent(context, outgoing, problemOf(error));
    });
  }
}
