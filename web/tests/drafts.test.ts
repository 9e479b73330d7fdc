// What was begun and not sent.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Browser, direct, signUp } from "./people.ts";
import { Relay } from "./relay.ts";

function draftIn({ snapshot }: Browser): string | undefined {
  return snapshot.conversations[0]?.draft;
}

test("a draft is there after a reload, sealed, until it is sent", async () => {
  const relay = new Relay();
  const alice = await signUp(relay, "Alice");
  const bob = await signUp(relay, "Bob");
  const id = await direct(alice, bob);
  assert.equal(draftIn(alice), "");

  await alice.engine.keepDraft(id, "canary: begun");
  await alice.reload();
  assert.equal(draftIn(alice), "canary: begun");
  const rows = [...alice.store.rows.values()].flatMap((store) => [...store.values()]);
  assert.equal(rows.some(({ sealed }) => String.fromCharCode(...sealed).includes("canary")), false);

  await alice.send(id, "canary: begun and sent");
  assert.equal(draftIn(alice), "");
  await alice.reload();
  assert.equal(draftIn(alice), "");
  await bob.reads(id, ["canary: begun and sent"]);
});

test("who logs out leaves none behind, not even one that is just being kept", async () => {
  const relay = new Relay();
  const alice = await signUp(relay, "Alice");
  const bob = await signUp(relay, "Bob");
  const id = await direct(alice, bob);

  const keeping = alice.engine.keepDraft(id, "begun");
  await alice.engine.forgetDrafts();
  await keeping;

  assert.equal(draftIn(alice), "");
});
