// Tells a person who looks elsewhere that there is something to read. What was written is not in it: the
// system shows notifications on locked screens and keeps them.

import type { ConversationSummary, Snapshot } from "../worker/protocol.ts";
import { words } from "./words.ts";

/** Another tab may be showing the conversation, and says in a moment that it was seen. */
const PATIENCE = 600;

export interface Notice {
  close(): void;
}

/** What shows notices; the browser, but for the tests. */
export interface Desk {
  /** Is the person looking at this page? */
  isLookedAt(): boolean;
  show(notice: { title: string; body: string; tag: string; opened(): void }): Notice | null;
}

export class Notifier {
  readonly #desk: Desk;
  readonly #open: (conversationId: string) => void;
  readonly #shown = new Map<string, Notice>();
  #latest: ReadonlyMap<string, ConversationSummary> | null = null;

  constructor(desk: Desk, open: (conversationId: string) => void) {
    this.#desk = desk;
    this.#open = open;
  }

  /** What was unread when the engine was opened is no news. */
  hear({ phase, conversations }: Snapshot): void {
    const before = this.#latest;
    this.#latest = phase === "ready" ? new Map(conversations.map((each) => [each.id, each])) : null;
    for (const [id, notice] of this.#shown) {
      if ((this.#latest?.get(id)?.unread ?? 0) === 0) this.#close(id, notice);
    }
    if (before === null || phase !== "ready") return;
    for (const { id, unread } of conversations) {
      if (unread > (before.get(id)?.unread ?? 0)) setTimeout(() => this.#tell(id), PATIENCE);
    }
  }

  #tell(id: string): void {
    const conversation = this.#latest?.get(id);
    if (conversation === undefined || conversation.unread === 0 || this.#desk.isLookedAt()) return;
    const notice = this.#desk.show({
      title: conversation.title,
      body: words.chat.unread(conversation.unread),
      tag: id,
      opened: () => {
        this.#close(id, this.#shown.get(id));
        this.#open(id);
      },
    });
    if (notice !== null) this.#shown.set(id, notice);
  }

  #close(id: string, notice: Notice | undefined): void {
    notice?.close();
    this.#shown.delete(id);
  }
}

/** Some browsers have no notifications, and on phones they belong to service workers. */
export function canNotify(): boolean {
  return "Notification" in window && !/Android|iPhone|iPad/.test(navigator.userAgent);
}

export const browserDesk: Desk = {
  isLookedAt: () => document.visibilityState === "visible" && document.hasFocus(),
  show: ({ title, body, tag, opened }) => {
    if (!canNotify() || Notification.permission !== "granted") return null;
    const notice = new Notification(title, { body, tag });
    notice.onclick = () => {
      window.focus();
      opened();
    };
    return notice;
  },
};
