// That somebody is typing: told to the others, not too often, believed only from who may say it, and forgotten.

import assert from "node:assert/strict";
import { test } from "node:test";
import { fromBase64 } from "../src/bytes.ts";
import { open, seal } from "../src/worker/whispers.ts";
import type { Browser } from "./people.ts";
import { direct, signUp, until } from "./people.ts";
import { Relay } from "./relay.ts";

const SECRET = Uint8Array.from({ length: 32 }, (_, index) => index);
const PLACE = {
  conversationId: "0b9d7c11-52aa-4e0e-8d3f-aa0102030405",
  epoch: 258,
  deviceId: "6f1c2a9e-3b7d-4c55-9a10-2f8d7e6b5c4a",
};
const AT = 1_767_225_600_000;
/** Made by another implementation: Python's cryptography, with HKDFExpand and AESGCM. */
const SEALED = fromBase64(
  "ZGVmZ2hpamtsbW5vvwfSvyTxPXn04NyZh8DOQKSfrOglaj+YouhGbvKJGRrcnk89hXXKDel5dZ90+P3gqnUBAaISLBjus5WvDMaCCObm" +
    "EdGG7BVwJ82zv9NYMXj3wg5D9EISr0ItPF88rPPPT0nGQ0JUO277yQnycJv2iOiRZIhKdtYBzwUYQFod/Z4jxjECtOWcN9fOldSaVjJc",
);

test("what another implementation sealed opens", async () => {
  assert.deepEqual(await open(SECRET, PLACE, SEALED), { type: "typing", at: AT });
});

test("it opens at its place and nowhere else, and always has the same length", async () => {
  const sealed = await seal(SECRET, PLACE, { type: "typing", at: AT });
  const stopped = await seal(SECRET, PLACE, { type: "stopped", at: 1 });
  const other = crypto.randomUUID();

  assert.deepEqual(await open(SECRET, PLACE, sealed), { type: "typing", at: AT });
  assert.equal(sealed.length, SEALED.length);
  assert.equal(stopped.length, sealed.length);
  for (const change of [{ conversationId: other }, { deviceId: other }, { epoch: 259 }]) {
    assert.equal(await open(SECRET, { ...PLACE, ...change }, sealed), null);
  }
  assert.equal(await open(SECRET.toReversed(), PLACE, sealed), null);
  for (const bytes of [new Uint8Array(0), sealed.slice(1), sealed.slice(0, -1), sealed.map((byte, at) => (at === 20 ? byte ^ 1 : byte))]) {
    assert.equal(await open(SECRET, PLACE, bytes), null);
  }
});

async function two(relay: Relay): Promise<[Browser, Browser, string]> {
  const alice = await signUp(relay, "Alice");
  const bob = await signUp(relay, "Bob");
  return [alice, bob, await direct(alice, bob)];
}

/** Who types, as the pages were last told. */
function typingAt({ notifications }: Browser, id: string): readonly string[] {
  const told = notifications.flatMap((each) => (each.type === "typing" && each.conversationId === id ? [each.names] : []));
  return told.at(-1) ?? [];
}

function says(browser: Browser, id: string): Promise<null> {
  return browser.engine.whisper(id, "typing");
}

async function seesTyping(browser: Browser, id: string, names: readonly string[]): Promise<void> {
  await until(() => typingAt(browser, id).join() === names.join(), `typing: ${names.join() || "nobody"}`);
}

test("the other sees who types, until the message comes", async () => {
  const relay = new Relay();
  const [alice, bob, id] = await two(relay);

  await says(alice, id);
  await seesTyping(bob, id, ["Alice"]);
  await alice.send(id, "done");

  await seesTyping(bob, id, []);
  await bob.reads(id, ["done"]);
  assert.deepEqual(typingAt(alice, id), []);
});

test("who stops is not shown any more, and who never began says nothing", async () => {
  const relay = new Relay();
  const [alice, bob, id] = await two(relay);

  await bob.engine.whisper(id, "stopped");
  await says(alice, id);
  await seesTyping(bob, id, ["Alice"]);
  await alice.engine.whisper(id, "stopped");

  await seesTyping(bob, id, []);
  assert.equal(relay.whispers, 2);
});

test("many keys make one frame in four seconds, and the first after a message at once", async () => {
  const relay = new Relay();
  const [alice, bob, id] = await two(relay);

  for (let key = 0; key < 50; key += 1) await says(alice, id);
  await seesTyping(bob, id, ["Alice"]);
  assert.equal(relay.whispers, 1);
  alice.ahead = 4_001;
  await says(alice, id);
  await until(() => relay.whispers === 2, "said again");

  await alice.send(id, "one");
  await bob.reads(id, ["one"]);
  alice.ahead = 4_002;
  await says(alice, id);
  await until(() => relay.whispers === 3, "said at once");
});

test("what is played again, of another epoch or another device is not believed", async () => {
  const relay = new Relay();
  const [alice, bob, id] = await two(relay);
  const carol = await signUp(relay, "Carol");
  const hers = carol.snapshot.me?.deviceId ?? "";
  const passed: Parameters<Relay["tamperWhisper"]>[0][] = [];
  relay.tamperWhisper = (frame) => {
    passed.push(frame);
    return frame;
  };
  await says(alice, id);
  await seesTyping(bob, id, ["Alice"]);
  await alice.engine.whisper(id, "stopped");
  await seesTyping(bob, id, []);
  const [typing] = passed;
  assert(typing);
  const told = bob.notifications.filter(({ type }) => type === "typing").length;

  const bobs = bob.snapshot.me?.deviceId ?? "";
  for (const frame of [typing, { ...typing, epoch: typing.epoch + 1 }, { ...typing, sender_device_id: hers }]) {
    relay.tellDevice(bobs, frame);
  }
  relay.tellDevice(bobs, { ...typing, data: "" });

  await alice.send(id, "after all of it");
  await bob.reads(id, ["after all of it"]);
  assert.equal(bob.notifications.filter(({ type }) => type === "typing").length, told);
});
