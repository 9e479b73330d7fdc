// Two and three engines and a relay: the stories the product must tell.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ProblemError } from "../src/api/http.ts";
import { direct, signUp, until } from "./people.ts";
import { Relay } from "./relay.ts";

test("two people write to each other and see sent become delivered", async () => {
  const relay = new Relay();
  const alice = await signUp(relay, "Alice");
  const bob = await signUp(relay, "Bob");

  const id = await direct(alice, bob);
  await alice.send(id, "Hello Bob");
  await bob.reads(id, ["Hello Bob"]);
  await bob.send(id, "Hello Alice 🌍");
  await alice.reads(id, ["Hello Bob", "Hello Alice 🌍"]);

  await until(async () => (await alice.messages(id))[0]?.delivery === "delivered", "delivered");
  const [conversation] = bob.snapshot.conversations;
  assert.equal(conversation?.title, "Alice");
  assert.deepEqual(conversation?.personIds, [alice.personId]);
  assert.equal(conversation?.unread, 1);
});

test("the relay never sees what was written", async () => {
  const relay = new Relay();
  const alice = await signUp(relay, "Alice");
  const bob = await signUp(relay, "Bob");
  const id = await direct(alice, bob);

  await alice.send(id, "canary-7f3a");
  await bob.reads(id, ["canary-7f3a"]);

  const all = relay.conversation(id).log.map(({ data }) => atob(data)).join("");
  assert.equal(all.includes("canary-7f3a"), false);
  const stored = [...alice.store.rows.values()].flatMap((rows) => [...rows.values()]);
  assert.equal(stored.some(({ sealed }) => String.fromCharCode(...sealed).includes("canary")), false);
});

test("the conversation that exists is used, whoever starts it", async () => {
  const relay = new Relay();
  const alice = await signUp(relay, "Alice");
  const bob = await signUp(relay, "Bob");

  const first = await direct(alice, bob);
  const again = await alice.engine.startDirect(bob.personId, crypto.randomUUID());
  const back = await bob.engine.startDirect(alice.personId, crypto.randomUUID());

  assert.equal(again.conversationId, first);
  assert.equal(back.conversationId, first);
});

test("both starting at the same moment end in one conversation", async () => {
  const relay = new Relay();
  const alice = await signUp(relay, "Alice");
  const bob = await signUp(relay, "Bob");

  const [one, other] = await Promise.all([
    alice.engine.startDirect(bob.personId, crypto.randomUUID()),
    bob.engine.startDirect(alice.personId, crypto.randomUUID()),
  ]);
  await until(() => alice.knows(one.conversationId) && bob.knows(other.conversationId), "both are in");
  await alice.send(one.conversationId, "once");

  assert.equal(one.conversationId, other.conversationId);
  await bob.reads(one.conversationId, ["once"]);
});

test("who is added late reads what follows and not what came before", async () => {
  const relay = new Relay();
  const alice = await signUp(relay, "Alice");
  const bob = await signUp(relay, "Bob");
  const carol = await signUp(relay, "Carol");
  const { conversationId: id } = await alice.engine.createGroup("Planning", [bob.personId], crypto.randomUUID());
  await alice.send(id, "before Carol");
  await bob.reads(id, ["before Carol"]);

  await alice.engine.addPeople(id, [carol.personId]);
  await bob.send(id, "after Carol");

  await carol.reads(id, ["after Carol"]);
  await alice.reads(id, ["before Carol", "after Carol"]);
  await until(() => carol.snapshot.conversations[0]?.title === "Planning", "the name is told again");
  const notices = (await bob.messages(id)).filter(({ kind }) => kind === "notice").map(({ text }) => text);
  assert.deepEqual(notices, ["Alice named the conversation “Planning”.", "Alice added Carol."]);
});

test("two commits at once: one wins, the other is made anew, and everybody can talk", async () => {
  const relay = new Relay();
  const [alice, bob, carol, dave] = await Promise.all(
    ["Alice", "Bob", "Carol", "Dave"].map((name) => signUp(relay, name)),
  );
  assert(alice && bob && carol && dave);
  const { conversationId: id } = await alice.engine.createGroup("Race", [bob.personId], crypto.randomUUID());
  await until(() => bob.knows(id), "Bob is in");

  await Promise.all([
    alice.engine.addPeople(id, [carol.personId]),
    bob.engine.addPeople(id, [dave.personId]),
  ]);
  await until(() => carol.knows(id) && dave.knows(id), "both are in");
  await dave.send(id, "everybody?");

  for (const browser of [alice, bob, carol]) await browser.reads(id, ["everybody?"]);
  assert.equal(relay.conversation(id).info.epoch, 3);
});

test("messages written while members change are made anew and arrive once", async () => {
  const relay = new Relay();
  const [alice, bob, carol] = await Promise.all(["Alice", "Bob", "Carol"].map((name) => signUp(relay, name)));
  assert(alice && bob && carol);
  const { conversationId: id } = await alice.engine.createGroup("", [bob.personId], crypto.randomUUID());
  await until(() => bob.knows(id), "Bob is in");
  const words = Array.from({ length: 10 }, (_, index) => `word ${index}`);

  const adding = alice.engine.addPeople(id, [carol.personId]);
  for (const word of words) await bob.send(id, word);
  await adding;

  await alice.reads(id, words);
  await until(async () => (await bob.messages(id)).every(({ delivery }) => delivery !== "sending"), "all sent");
  await bob.reads(id, words);
});

test("a message overtaken by a commit is made anew for the next epoch", async () => {
  const relay = new Relay();
  const [alice, bob, carol] = await Promise.all(["Alice", "Bob", "Carol"].map((name) => signUp(relay, name)));
  assert(alice && bob && carol);
  const { conversationId: id } = await alice.engine.createGroup("", [bob.personId], crypto.randomUUID());
  await until(() => bob.knows(id), "Bob is in");
  let arrive: () => void = () => undefined;
  bob.server.way = new Promise((resolve) => {
    arrive = resolve;
  });

  const { messageId } = await bob.send(id, "overtaken");
  await until(() => bob.store.rows.get("outbox")?.size === 1, "it waits");
  await new Promise((resolve) => setTimeout(resolve, 50)); // it is encrypted and on its way
  await alice.engine.addPeople(id, [carol.personId]);
  arrive();

  for (const browser of [alice, carol]) await browser.reads(id, ["overtaken"]);
  const placed = relay.conversation(id).log.filter((entry) => entry.message_id === messageId);
  assert.deepEqual(placed.map(({ epoch }) => epoch), [2]);
  await until(async () => (await bob.messages(id)).at(-1)?.delivery === "delivered", "delivered");
});

test("what was written offline goes out later, in order and once", async () => {
  const relay = new Relay();
  const alice = await signUp(relay, "Alice");
  const bob = await signUp(relay, "Bob");
  const id = await direct(alice, bob);
  alice.server.goOffline();
  await until(() => alice.snapshot.connection !== "online", "offline");

  for (const word of ["one", "two", "three"]) await alice.send(id, word);
  const waiting = await alice.messages(id);
  alice.server.goOnline();

  assert.deepEqual(waiting.map(({ delivery }) => delivery), ["sending", "sending", "sending"]);
  await bob.reads(id, ["one", "two", "three"]);
  await alice.reads(id, ["one", "two", "three"]);
});

test("who was offline sees what arrived, in order and once", async () => {
  const relay = new Relay();
  const alice = await signUp(relay, "Alice");
  const bob = await signUp(relay, "Bob");
  const id = await direct(alice, bob);
  bob.server.goOffline();

  for (const word of ["one", "two", "three"]) await alice.send(id, word);
  await until(async () => relay.conversation(id).log.length === 4, "all are in the log");
  bob.server.goOnline();

  await bob.reads(id, ["one", "two", "three"]);
});

test("a lost answer does not send twice", async () => {
  const relay = new Relay();
  const alice = await signUp(relay, "Alice");
  const bob = await signUp(relay, "Bob");
  const id = await direct(alice, bob);

  relay.loseNextAnswer = true;
  await alice.send(id, "just once");
  await bob.reads(id, ["just once"]);
  await alice.send(id, "and then");

  await bob.reads(id, ["just once", "and then"]);
  assert.equal(relay.conversation(id).log.length, 3);
});

test("a commit whose answer was lost is applied from the log", async () => {
  const relay = new Relay();
  const alice = await signUp(relay, "Alice");
  const bob = await signUp(relay, "Bob");
  const carol = await signUp(relay, "Carol");
  const { conversationId: id } = await alice.engine.createGroup("", [bob.personId], crypto.randomUUID());

  relay.loseNextAnswer = true;
  await assert.rejects(alice.engine.addPeople(id, [carol.personId]), { code: "offline" });
  await until(() => carol.knows(id), "Carol is in");
  await carol.send(id, "I am in");

  await alice.reads(id, ["I am in"]);
  await alice.send(id, "good");
  await carol.reads(id, ["I am in", "good"]);
});

test("a reload keeps the history and the conversation goes on", async () => {
  const relay = new Relay();
  const alice = await signUp(relay, "Alice");
  const bob = await signUp(relay, "Bob");
  const id = await direct(alice, bob);
  await alice.send(id, "before");
  await bob.reads(id, ["before"]);
  await bob.send(id, "answer");
  await alice.reads(id, ["before", "answer"]);

  await Promise.all([alice.reload(), bob.reload()]);
  await alice.send(id, "after");

  await bob.reads(id, ["before", "answer", "after"]);
  await alice.reads(id, ["before", "answer", "after"]);
});

test("a creation that was cut off before its commit is finished at the next start", async () => {
  const relay = new Relay();
  const alice = await signUp(relay, "Alice");
  const bob = await signUp(relay, "Bob");
  const submit = relay.submitCommit.bind(relay);
  relay.submitCommit = () => {
    relay.loseNextAnswer = true;
    relay.submitCommit = submit;
    return Promise.resolve(0); // never reached the log
  };

  const id = crypto.randomUUID();
  await assert.rejects(alice.engine.startDirect(bob.personId, id), { code: "offline" });
  await until(() => bob.knows(id), "Bob is in after all");
  await alice.send(id, "hello");

  await bob.reads(id, ["hello"]);
});

test("a conversation that was made before its people were added is finished at the next connection", async () => {
  const relay = new Relay();
  const alice = await signUp(relay, "Alice");
  const bob = await signUp(relay, "Bob");
  const entries = alice.server.entries.bind(alice.server);
  alice.server.entries = () => Promise.reject(new ProblemError("offline", "The server cannot be reached."));

  const id = crypto.randomUUID();
  await assert.rejects(alice.engine.startDirect(bob.personId, id), { code: "offline" });
  alice.server.entries = entries;
  alice.server.goOffline();
  alice.server.goOnline();
  await until(() => bob.knows(id), "Bob is in after all");
  await alice.send(id, "hello");

  await bob.reads(id, ["hello"]);
});

test("a group whose making was cut off is finished by the same call again", async () => {
  const relay = new Relay();
  const alice = await signUp(relay, "Alice");
  const bob = await signUp(relay, "Bob");
  const id = crypto.randomUUID();
  const entries = alice.server.entries.bind(alice.server);
  alice.server.entries = () => Promise.reject(new ProblemError("offline", "The server cannot be reached."));

  await assert.rejects(alice.engine.createGroup("Again", [bob.personId], id), { code: "offline" });
  const membersThen = relay.conversation(id).info.members.length;
  alice.server.entries = entries;
  const again = await alice.engine.createGroup("Again", [bob.personId], id);
  await until(() => bob.knows(id), "Bob is in");
  await alice.send(id, "hello");

  assert.equal(again.conversationId, id);
  assert.equal(membersThen, 1);
  await bob.reads(id, ["hello"]);
});

test("the same call again, as after a leader's death, does nothing twice", async () => {
  const relay = new Relay();
  const alice = await signUp(relay, "Alice");
  const bob = await signUp(relay, "Bob");
  const groupId = crypto.randomUUID();
  const messageId = crypto.randomUUID();

  await alice.engine.createGroup("Twice", [bob.personId], groupId);
  const again = await alice.engine.createGroup("Twice", [bob.personId], groupId);
  await alice.engine.sendText(groupId, "once", messageId);
  await bob.reads(groupId, ["once"]);
  await until(async () => (await alice.messages(groupId)).at(-1)?.delivery === "delivered", "delivered");
  await alice.engine.sendText(groupId, "once", messageId);

  assert.equal(again.conversationId, groupId);
  assert.equal((await alice.messages(groupId)).at(-1)?.delivery, "delivered");
  await alice.send(groupId, "and then");
  await bob.reads(groupId, ["once", "and then"]);
});

test("key packages are replenished when others have used them", async () => {
  const relay = new Relay();
  const alice = await signUp(relay, "Alice");
  const bob = await signUp(relay, "Bob");
  const device = relay.devices.get(bob.server.deviceId ?? "");
  assert(device);
  device.keyPackages.splice(0, 40);

  relay.tellDevice(device.id, { type: "key_packages_low", available: 10 });

  await until(() => device.keyPackages.length === 50, "there are 50 again");
  await direct(alice, bob);
});

test("the last resort lets many groups add a device that has no other key package", async () => {
  const relay = new Relay();
  const alice = await signUp(relay, "Alice");
  const bob = await signUp(relay, "Bob");
  const device = relay.devices.get(bob.server.deviceId ?? "");
  assert(device);
  device.keyPackages = [];

  const one = await alice.engine.createGroup("One", [bob.personId], crypto.randomUUID());
  const two = await alice.engine.createGroup("Two", [bob.personId], crypto.randomUUID());

  await until(() => bob.knows(one.conversationId) && bob.knows(two.conversationId), "Bob is in both");
});

test("older messages come in pages", async () => {
  const relay = new Relay();
  const alice = await signUp(relay, "Alice");
  const bob = await signUp(relay, "Bob");
  const id = await direct(alice, bob);
  const words = Array.from({ length: 7 }, (_, index) => `word ${index}`);
  for (const word of words) await alice.send(id, word);
  await bob.reads(id, words);

  const newest = await bob.engine.messages(id, null, 4);
  const older = await bob.engine.messages(id, newest.messages[0]?.id ?? "", 4);

  assert.deepEqual(newest.messages.map(({ text }) => text), words.slice(3));
  assert.deepEqual([newest.more, older.more], [true, false]);
  assert.deepEqual(older.messages.map(({ text }) => text), words.slice(0, 3));
});

test("an event that got lost is fetched, together with what came while it was fetched", async () => {
  const relay = new Relay();
  const alice = await signUp(relay, "Alice");
  const bob = await signUp(relay, "Bob");
  const id = await direct(alice, bob);
  const tell = relay.tellDevice.bind(relay);
  relay.tellDevice = (deviceId, frame) => {
    const isLost = frame.type === "entry_appended" && frame.position === 2 && deviceId === bob.server.deviceId;
    if (!isLost) tell(deviceId, frame);
  };
  const entries = bob.server.entries.bind(bob.server);
  bob.server.entries = async (conversationId, after) => {
    const page = await entries(conversationId, after);
    await new Promise((resolve) => setTimeout(resolve, 60)); // it is old when it arrives
    return page;
  };

  for (const word of ["two", "three", "four", "five"]) await alice.send(id, word);

  await bob.reads(id, ["two", "three", "four", "five"]);
});

test("what a busy server turns away is sent again, and is not said to have failed", async () => {
  const relay = new Relay();
  const alice = await signUp(relay, "Alice");
  const bob = await signUp(relay, "Bob");
  const id = await direct(alice, bob);
  for (const code of ["unavailable", "overloaded"]) {
    relay.refusesMessages = code;
    relay.refused = 0;
    await alice.send(id, code);
    await until(() => relay.refused > 0, "it is turned away");
    assert.equal((await alice.messages(id)).at(-1)?.delivery, "sending");

    relay.refusesMessages = null;
    await alice.reload();

    await until(async () => (await bob.texts(id)).includes(code), "Bob has it");
  }
});

test("a name that does not come holds nothing up, and is shown when it comes", async () => {
  const relay = new Relay();
  const alice = await signUp(relay, "Alice");
  const bob = await signUp(relay, "Bob");
  const id = await direct(alice, bob);
  bob.ahead = 2 * 60 * 60 * 1000; // names are old by now
  relay.addPerson(alice.personId, "Alicia");
  const asked: (() => void)[] = [];
  const person = bob.server.person.bind(bob.server);
  bob.server.person = (personId) => new Promise((resolve) => asked.push(() => resolve(person(personId))));
  const told = (text: string, name: string) =>
    bob.notifications.some(
      (one) => one.type === "messages" && one.messages.some((message) => message.text === text && message.senderName === name),
    );

  await alice.send(id, "one");
  await until(() => asked.length > 0, "the name is asked for");
  await bob.send(id, "mine");
  await alice.send(id, "two");

  await alice.reads(id, ["one", "mine", "two"]);
  await until(() => told("two", "Alice"), "Bob is told");
  assert.equal(asked.length, 1);
  asked[0]?.();
  await until(() => told("one", "Alicia") && bob.snapshot.conversations[0]?.title === "Alicia", "the new name is shown");
});
