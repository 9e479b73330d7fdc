// What the pages are told, in the order in which it was.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Snapshot } from "../src/worker/protocol.ts";
import type { Context } from "../src/worker/context.ts";
import { Teller } from "../src/worker/teller.ts";
import { until } from "./people.ts";

test("a page that is told twice of a message is told last how it is now", async () => {
  const said = { conversationId: "c", senderId: "b", senderDeviceId: "d", at: "2026-01-01T00:00:00Z", delivery: null, problem: null };
  const secret = { ...said, id: "secret", sequence: 1, position: 1, body: { type: "text", text: "secret" } };
  const answer = { ...said, id: "answer", sequence: 2, position: 2, body: { type: "text", text: "answer" }, replyTo: 1 };
  let isDeleted = false;
  let isLookingUp = false;
  const now = () => ({ ...secret, body: isDeleted ? { type: "deleted" } : secret.body });
  const context = {
    me: { personId: "a", deviceId: "x" },
    closed: new AbortController().signal,
    people: { name: () => "Bob" },
    conversations: new Map([["c", { id: "c", record: { members: {} } }]]),
    records: {
      get: async (_store: string, id: string) => (id === "secret" ? now() : answer),
      newest: () => {
        isLookingUp = true;
        return new Promise((resolve) => setTimeout(() => resolve([now()]), 150)); // the quoted one takes a while
      },
    },
  } as unknown as Context;
  const told: string[] = [];
  const teller = new Teller({
    context: () => context,
    snapshot: () => ({}) as Snapshot,
    failed: assert.fail,
    notify: (notification) => {
      if (notification.type !== "messages") return;
      told.push(...notification.messages.filter(({ id }) => id === "secret").map(({ text }) => text));
    },
  });

  teller.messages("c", ["secret", "answer"]);
  await until(() => isLookingUp, "the quoted one is looked up");
  isDeleted = true;
  teller.messages("c", ["secret"]);

  await until(() => told.length === 2, "both are told");
  assert.deepEqual(told, ["secret", "Bob deleted this message."]);
});
