// A server restored from a backup: what it has lost is said, and what can go on goes on.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Browser, direct, signUp, until } from "./people.ts";
import { Relay } from "./relay.ts";

interface Scene {
  relay: Relay;
  alice: Browser;
  bob: Browser;
  id: string;
}

/** Position 1 is the commit that added Bob, 2 is in the backup, 3 is not. */
async function scene(): Promise<Scene> {
  const relay = new Relay();
  const alice = await signUp(relay, "Alice");
  const bob = await signUp(relay, "Bob");
  const id = await direct(alice, bob);
  await alice.send(id, "in the backup");
  await bob.reads(id, ["in the backup"]);
  await bob.send(id, "after it");
  await alice.reads(id, ["in the backup", "after it"]);
  return { relay, alice, bob, id };
}

function restore({ relay, id }: Scene, position: number, epoch: number): void {
  const { log, info } = relay.conversation(id);
  log.length = position;
  Object.assign(info, { last_position: position, epoch });
}

function noticeOf(browser: Browser): string {
  return browser.snapshot.conversations[0]?.notice ?? "";
}

test("who has read more than the server has says so, keeps it, and can go on", async () => {
  const stage = await scene();
  const { alice, bob, id } = stage;

  restore(stage, 2, 1);
  await alice.reload();
  await bob.reload();
  await until(() => /restored/.test(noticeOf(alice)) && /restored/.test(noticeOf(bob)), "both are told");
  await alice.send(id, "from here on");

  await alice.reads(id, ["in the backup", "after it", "from here on"]);
  await until(async () => (await bob.texts(id)).includes("from here on"), "Bob reads on");
  assert.deepEqual((await bob.texts(id)).toSorted(), ["after it", "from here on", "in the backup"]);
});

test("who comes back when the new log is longer already sees it by the server's incarnation", async () => {
  const stage = await scene();
  const { relay, alice, bob, id } = stage;
  await bob.close();
  restore(stage, 2, 1);
  relay.incarnation = crypto.randomUUID();
  await alice.reload();
  await until(() => /restored/.test(noticeOf(alice)), "Alice is told");
  await alice.send(id, "anew");
  await alice.send(id, "and more");
  await alice.reads(id, ["in the backup", "after it", "anew", "and more"]);

  await bob.open();

  await until(async () => (await bob.texts(id)).length === 4, "Bob has read all of it");
  assert.match(noticeOf(bob), /restored/);
  assert.deepEqual(await bob.texts(id), ["in the backup", "after it", "anew", "and more"]);
});

test("what was read stays when another message takes its place", async () => {
  const stage = await scene();
  const { alice, bob, id } = stage;

  restore(stage, 2, 1);
  await alice.reload();
  await bob.reload();
  await until(() => /restored/.test(noticeOf(alice)) && /restored/.test(noticeOf(bob)), "both are told");
  await bob.send(id, "in its place");

  await alice.reads(id, ["in the backup", "after it", "in its place"]);
  await alice.reload();
  await alice.reads(id, ["in the backup", "after it", "in its place"]);
});

test("what was to disappear does so, though another message takes its place", async () => {
  const stage = await scene();
  const { alice, bob, id } = stage;
  const lifetime = (browser: Browser) => browser.snapshot.conversations[0]?.lifetime;
  await alice.engine.setLifetime(id, 3600, crypto.randomUUID());
  await until(() => lifetime(bob) === 3600, "the choice is known");
  await bob.send(id, "goes");
  await alice.reads(id, ["in the backup", "after it", "goes"]);

  restore(stage, 4, 1);
  await alice.reload();
  await bob.reload();
  await until(() => /restored/.test(noticeOf(alice)) && /restored/.test(noticeOf(bob)), "both are told");
  await bob.engine.setLifetime(id, null, crypto.randomUUID());
  await until(() => lifetime(alice) === null, "the other choice has its place");
  const before = (await alice.messages(id)).length;
  for (const browser of [alice, bob]) browser.ahead = 3600_001;

  for (const browser of [alice, bob]) assert.deepEqual(await browser.texts(id), ["in the backup", "after it"]);
  assert.equal((await alice.messages(id)).length, before - 1);
});

test("another incarnation that has lost nothing here changes nothing", async () => {
  const { relay, alice, bob, id } = await scene();
  relay.incarnation = crypto.randomUUID();

  await alice.reload();
  await bob.reload();
  await bob.send(id, "as ever");

  await alice.reads(id, ["in the backup", "after it", "as ever"]);
  assert.deepEqual([noticeOf(alice), noticeOf(bob)], ["", ""]);
});

test("from an earlier epoch nobody can go on, and what was read stays", async () => {
  const stage = await scene();

  restore(stage, 0, 0);
  await stage.alice.reload();
  await until(() => stage.alice.snapshot.conversations[0]?.state === "broken", "Alice is told");

  assert.match(noticeOf(stage.alice), /begin a new conversation/);
  assert.deepEqual(await stage.alice.texts(stage.id), ["in the backup", "after it"]);
});

test("a server that has lost nothing is not said to have", async () => {
  const { alice, bob, id } = await scene();

  await alice.reload();
  await bob.reload();
  await alice.send(id, "as ever");

  await bob.reads(id, ["in the backup", "after it", "as ever"]);
  assert.deepEqual([noticeOf(alice), noticeOf(bob)], ["", ""]);
});
