// Tells the pages what changed: many changes at once, because drawing takes longer than opening a
// message.

import type { Context } from "./context.ts";
import { Lock } from "./lock.ts";
import type { Notification, Snapshot } from "./protocol.ts";
import { messageView } from "./views.ts";

const AFTER = 15;
const EVERY = 80;

export interface TellerOptions {
  /** Asked when it is time, since the context holds the teller. */
  context(): Context;
  snapshot(): Snapshot;
  notify(notification: Notification): void;
  failed(error: unknown): void;
}

export class Teller {
  readonly #options: TellerOptions;
  readonly #due = new Map<string, Set<string>>();
  /** What was looked up first is told first, or a page would show it last. */
  readonly #telling = new Lock();
  #isWaiting = false;
  #lastTold = -Infinity;

  constructor(options: TellerOptions) {
    this.#options = options;
  }

  /** These messages are new or changed. */
  messages(conversationId: string, messageIds: readonly string[]): void {
    const due = this.#due.get(conversationId) ?? new Set();
    for (const id of messageIds) due.add(id);
    this.#due.set(conversationId, due);
    this.snapshot();
  }

  /** Something of the snapshot changed. */
  snapshot(): void {
    if (this.#isWaiting || this.#options.context().closed.aborted) return;
    this.#isWaiting = true;
    const wait = Math.max(AFTER, this.#lastTold + EVERY - performance.now());
    setTimeout(() => void this.#telling.run(() => this.#tell()).catch(this.#options.failed), wait);
  }

  async #tell(): Promise<void> {
    this.#isWaiting = false;
    this.#lastTold = performance.now();
    const due = [...this.#due];
    this.#due.clear();
    const { context, notify, snapshot } = this.#options;
    for (const [conversationId, messageIds] of due) await this.#show(conversationId, messageIds);
    if (!context().closed.aborted) notify({ type: "snapshot", snapshot: snapshot() });
  }

  async #show(conversationId: string, messageIds: ReadonlySet<string>): Promise<void> {
    const context = this.#options.context();
    const conversation = context.conversations.get(conversationId);
    if (!conversation || context.closed.aborted) return;
    const records = await Promise.all([...messageIds].map((id) => context.records.get("messages", id)));
    const known = records.filter((record) => record !== undefined);
    const sorted = known.sort((one, other) => one.sequence - other.sequence);
    const messages = await Promise.all(sorted.map((record) => messageView(context, conversation, record)));
    if (messages.length > 0 && !context.closed.aborted) {
      this.#options.notify({ type: "messages", conversationId, messages });
    }
  }
}
