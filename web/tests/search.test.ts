// Finding what was written, as far as this device has kept it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { excerpt, plain } from "../src/worker/search.ts";
import { type Browser, direct, signUp } from "./people.ts";
import { Relay } from "./relay.ts";

async function found(browser: Browser, query: string): Promise<string[]> {
  return (await browser.engine.search(query)).messages.map(({ text }) => text);
}

test("messages are found by all their words, whatever the case and the accents, newest first", async () => {
  const relay = new Relay();
  const alice = await signUp(relay, "Alice");
  const bob = await signUp(relay, "Bob");
  const id = await direct(alice, bob);
  await alice.send(id, "Lunch in Zürich on Friday");
  await alice.send(id, "Dinner in Rome");
  await bob.reads(id, ["Lunch in Zürich on Friday", "Dinner in Rome"]);
  await bob.send(id, "zurich it is, on friday");
  await alice.reads(id, ["Lunch in Zürich on Friday", "Dinner in Rome", "zurich it is, on friday"]);

  assert.deepEqual(await found(alice, "FRIDAY zürich"), ["zurich it is, on friday", "Lunch in Zürich on Friday"]);
  assert.deepEqual(await found(bob, "rom"), ["Dinner in Rome"]);
  for (const nothing of ["Rome Friday", "Paris", "", "  "]) assert.deepEqual(await found(alice, nothing), []);
  const [hit] = (await alice.engine.search("rome")).messages;
  assert.deepEqual([hit?.mine, hit?.conversationId], [true, id]);
  assert.equal((await bob.engine.search("rome")).messages[0]?.senderName, "Alice");
});

test("notices and names of conversations are not messages, and what disappeared is not found", async () => {
  const relay = new Relay();
  const alice = await signUp(relay, "Alice");
  const bob = await signUp(relay, "Bob");
  const { conversationId: id } = await alice.engine.createGroup("Planning", [bob.personId], crypto.randomUUID());
  await alice.engine.setLifetime(id, 3600, crypto.randomUUID());
  await alice.send(id, "planning to disappear");
  await bob.reads(id, ["planning to disappear"]);
  assert.deepEqual(await found(bob, "planning"), ["planning to disappear"]);

  bob.ahead = 3_600_001;

  assert.deepEqual(await found(bob, "planning"), []);
});

test("at most fifty are shown, over all pages of the store, and it says that there are more", async () => {
  const relay = new Relay();
  const alice = await signUp(relay, "Alice");
  const bob = await signUp(relay, "Bob");
  const id = await direct(alice, bob);
  bob.server.goOffline();
  alice.server.goOffline();
  for (let number = 0; number < 230; number += 1) await alice.send(id, `number ${number}.`);

  const many = await alice.engine.search("number");
  const oldest = await alice.engine.search("number 0.");

  assert.deepEqual([many.messages.length, many.isWhole], [50, false]);
  assert.equal(many.messages[0]?.text, "number 229.");
  assert.deepEqual([oldest.messages.at(-1)?.text, oldest.isWhole], ["number 0.", true]);
});

test("a search that another one follows is not gone on with", async () => {
  const relay = new Relay();
  const alice = await signUp(relay, "Alice");
  const bob = await signUp(relay, "Bob");
  const id = await direct(alice, bob);
  await alice.send(id, "one");

  const [before, after] = await Promise.all([alice.engine.search("one"), alice.engine.search("one")]);

  assert.deepEqual([before.messages.length, before.isWhole], [0, false]);
  assert.deepEqual([after.messages.length, after.isWhole], [1, true]);
});

test("of a long text the part around the word is shown", () => {
  const text = `${"before ".repeat(20)}needle${" after".repeat(40)}`;

  const shown = excerpt(text, "needle");

  assert(shown.startsWith("…") && shown.endsWith("…") && shown.includes("needle"));
  assert(shown.length <= 142);
  assert.equal(excerpt("short needle", "needle"), "short needle");
  assert.equal(plain("Ångström ÉTÉ"), "angstrom ete");
});
