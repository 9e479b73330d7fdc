// The open conversation while its pages are on their way.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Thread } from "../src/app/chat/thread.ts";
import type { Engine, MessageView, Notification } from "../src/worker/protocol.ts";
import { viewAt } from "./views.ts";

const CONVERSATION = "c";

function view(position: number, more: Partial<MessageView> = {}): MessageView {
  return viewAt(position, { conversationId: CONVERSATION, text: `text ${position}`, ...more });
}

/** Answers with pages of 300 messages; what happens while one is on its way is in none of them. */
function slowEngine() {
  const all = Array.from({ length: 300 }, (_, index) => view(index + 1));
  const listeners: ((notification: Notification) => void)[] = [];
  const told = {
    meanwhile: [] as Notification[],
    engine: {
      async call(_method: string, { before, limit }: { before: string | null; limit: number }) {
        const end = before === null ? all.length : all.findIndex(({ id }) => id === before);
        const start = Math.max(0, end - limit);
        for (const notification of told.meanwhile.splice(0)) for (const listener of listeners) listener(notification);
        return { messages: all.slice(start, end), more: start > 0 };
      },
      subscribe(listener: (notification: Notification) => void) {
        listeners.push(listener);
        return () => undefined;
      },
    } as unknown as Engine,
  };
  return told;
}

async function opened() {
  const slow = slowEngine();
  const thread = new Thread(slow.engine, CONVERSATION, () => undefined);
  await thread.newest();
  return { slow, thread, row: (id: string) => thread.window.value.rows.find((one) => one.id === id) };
}

function changed(...messages: MessageView[]): Notification {
  return { type: "messages", conversationId: CONVERSATION, messages };
}

test("what comes, changes and goes while a message of long ago is looked for is seen", async () => {
  const { slow, thread, row } = await opened();
  slow.meanwhile = [
    changed(view(301, { text: "new" }), view(299, { kind: "notice", text: "deleted" })),
    { type: "gone", conversationId: CONVERSATION, messageIds: ["m300"] },
  ];

  assert.equal(await thread.reach("m200"), true);

  assert.equal(row("m301")?.text, "new");
  assert.equal(row("m299")?.text, "deleted");
  assert.equal(row("m300"), undefined);
  assert.equal(row("m200")?.text, "text 200");
});

test("what is deleted or goes while the page with it is on its way is not on the page", async () => {
  const { slow, thread, row } = await opened();
  slow.meanwhile = [
    changed(view(240, { kind: "notice", text: "deleted" })),
    { type: "gone", conversationId: CONVERSATION, messageIds: ["m241"] },
  ];

  await thread.older();

  assert.equal(row("m240")?.text, "deleted");
  assert.equal(row("m241"), undefined);
  assert.equal(row("m239")?.text, "text 239");
});
