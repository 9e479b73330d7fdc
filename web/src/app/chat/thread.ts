// The open conversation: its window of rows, kept current by the engine's notifications.

import { signal } from "@preact/signals";

import type { Engine, MessageView, Notification } from "../../worker/protocol.ts";
import * as rows from "./window.ts";

/** Long pages, and so short that all of one is among the rows. */
const REACH = 150;

/** What is told while a page is on its way, which may be older. */
interface Meanwhile {
  changed: MessageView[];
  gone: string[];
}

export class Thread {
  readonly window = signal<rows.Window>(rows.EMPTY);
  readonly loading = signal<"first" | "older" | "newer" | null>("first");
  readonly problem = signal<unknown>(null);

  private readonly unsubscribe: () => void;
  private closed = false;
  private readonly loads = new Set<Meanwhile>();

  constructor(
    private readonly engine: Engine,
    readonly conversationId: string,
    private readonly onArrived: (messages: readonly MessageView[]) => void,
  ) {
    this.unsubscribe = engine.subscribe((notification) => this.hear(notification));
  }

  close(): void {
    this.closed = true;
    this.unsubscribe();
  }

  /** The newest page; also the way back from far up. */
  async newest(): Promise<void> {
    this.loading.value = "first";
    await this.load(null, (page, more) => rows.newestPage(page, more));
  }

  /** The newest page and those before it, as far as they hold what is unread; answers the first of that. */
  async opened(unread: number): Promise<string | null> {
    await this.newest();
    for (;;) {
      const { id, isFound } = rows.firstUnread(this.window.value, unread);
      const { length } = this.window.value.rows;
      if (isFound || length >= rows.MOST_ROWS) return id;
      await this.older();
      if (this.window.value.rows.length === length) return id;
    }
  }

  /** Pages back until the message is among the rows; false when it is not in the conversation. */
  reach(messageId: string): Promise<boolean> {
    return this.whileLoading(async (asOfNow) => {
      let window = this.window.value;
      while (!window.rows.some(({ id }) => id === messageId)) {
        const first = window.rows[0];
        if (first === undefined || !rows.hasOlder(window) || this.closed) return false;
        const { conversationId } = this;
        const page = await this.engine.call("messages", { conversationId, before: first.id, limit: REACH });
        window = rows.withOlder(window, page.messages, page.more);
      }
      this.window.value = asOfNow(window);
      return true;
    });
  }

  async older(): Promise<void> {
    const first = this.window.value.rows[0];
    if (this.loading.value !== null || first === undefined) return;
    if (!rows.hasOlder(this.window.value)) return;
    this.loading.value = "older";
    await this.load(first.id, (page, more) => rows.withOlder(this.window.value, page, more));
  }

  async newer(): Promise<void> {
    const cursor = rows.newerCursor(this.window.value);
    if (this.loading.value !== null || cursor === null) return;
    this.loading.value = "newer";
    await this.load(cursor.before, (page) => rows.withNewer(this.window.value, page));
  }

  private async load(
    before: string | null,
    result: (page: readonly MessageView[], more: boolean) => rows.Window,
  ): Promise<void> {
    const { conversationId } = this;
    try {
      await this.whileLoading(async (asOfNow) => {
        const page = await this.engine.call("messages", { conversationId, before, limit: rows.PAGE });
        if (!this.closed) this.window.value = asOfNow(result(page.messages, page.more));
      });
      this.problem.value = null;
    } catch (error) {
      this.problem.value = error;
    } finally {
      this.loading.value = null;
    }
  }

  /** Hands over what puts everything on top of a window that was told since the loading began. */
  private async whileLoading<T>(load: (asOfNow: (window: rows.Window) => rows.Window) => Promise<T>): Promise<T> {
    const meanwhile: Meanwhile = { changed: [], gone: [] };
    this.loads.add(meanwhile);
    try {
      return await load((window) => rows.without(rows.withChanges(window, meanwhile.changed), meanwhile.gone));
    } finally {
      this.loads.delete(meanwhile);
    }
  }

  private hear(notification: Notification): void {
    if (notification.type !== "messages" && notification.type !== "gone") return;
    if (notification.conversationId !== this.conversationId) return;
    if (notification.type === "gone") {
      for (const meanwhile of this.loads) meanwhile.gone.push(...notification.messageIds);
      this.window.value = rows.without(this.window.value, notification.messageIds);
      return;
    }
    for (const meanwhile of this.loads) meanwhile.changed.push(...notification.messages);
    const known = new Set(this.window.value.known);
    this.window.value = rows.withChanges(this.window.value, notification.messages);
    const now = new Set(this.window.value.known);
    this.onArrived(notification.messages.filter(({ id }) => now.has(id) && !known.has(id)));
  }
}
