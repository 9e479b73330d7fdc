// Several tabs of one browser: one leads, the others follow, and somebody always takes over.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { toBase64, randomBytes } from "../src/bytes.ts";
import { Host } from "../src/worker/host.ts";
import { type Channel, type ChannelMessage, type Locks, Participant } from "../src/worker/leader.ts";
import type { Method, Notification, Requests, Snapshot } from "../src/worker/protocol.ts";
import type { Server } from "../src/worker/server.ts";
import { MemoryStore } from "./memory-store.ts";
import { signUp, until } from "./people.ts";
import { Relay } from "./relay.ts";

const TIMING = { firstPause: 10, longestPause: 50, answerWithin: 2_000, commitWithin: 20 };

/** Web Locks, as far as they are used: one holder, the others in line. */
class MemoryLocks implements Locks {
  #tail: Promise<void> = Promise.resolve();

  request(_name: string, { signal }: { signal: AbortSignal }, body: () => Promise<void>): Promise<void> {
    const turn = this.#tail.then(async () => {
      if (!signal.aborted) await body();
    });
    this.#tail = turn.catch(() => undefined);
    return turn;
  }
}

/** BroadcastChannel: copies, to everybody else, later; silent once its tab is gone. */
class MemoryAir {
  readonly channels = new Set<MemoryChannel>();
}

class MemoryChannel implements Channel {
  onmessage: ((event: MessageEvent<ChannelMessage>) => void) | null = null;

  constructor(readonly air: MemoryAir) {
    air.channels.add(this);
  }

  postMessage(message: ChannelMessage): void {
    const data = structuredClone(message);
    const others = [...this.air.channels].filter((channel) => channel !== this);
    if (!this.air.channels.has(this)) return;
    setTimeout(() => {
      for (const other of others) {
        if (this.air.channels.has(other)) other.onmessage?.(new MessageEvent("message", { data }));
      }
    }, 0);
  }

  close(): void {
    this.air.channels.delete(this);
  }
}

class Tab {
  readonly notifications: Notification[] = [];
  isClosed = false;
  #die: () => void = () => undefined;
  readonly #channel: MemoryChannel;
  readonly #participant: Participant;

  constructor(readonly personId: string, locks: Locks, air: MemoryAir, store: MemoryStore, server: Server) {
    this.#channel = new MemoryChannel(air);
    const death = new Promise<void>((resolve) => {
      this.#die = resolve;
    });
    this.#participant = new Participant({
      name: personId,
      channel: this.#channel,
      locks: {
        request: (name, options, body) => locks.request(name, options, () => Promise.race([body(), death])),
      },
      lead: (notify) => {
        const options = { personId, server, openStore: async () => store, notify, timing: TIMING };
        const host = new Host(options);
        if (this.snapshot?.phase === "ready") host.resume(this.snapshot);
        void death.then(() => host.close());
        return host;
      },
      notify: (notification) => this.notifications.push(notification),
      closed: () => {
        this.isClosed = true;
      },
    });
    tabs.push(this);
  }

  async call<M extends Method>(method: M, args: Requests[M][0], id = crypto.randomUUID()): Promise<Requests[M][1]> {
    const answer = await this.#participant.call({ id, method, args });
    if (!answer.ok) throw Object.assign(new Error(answer.problem.detail), answer.problem);
    return answer.value as Requests[M][1]; // the answer to this method
  }

  get snapshot(): Snapshot | undefined {
    return this.notifications.findLast((one) => one.type === "snapshot")?.snapshot;
  }

  /** The tab is gone in the middle of whatever it did. */
  kill(): void {
    this.#channel.close();
    this.#die();
  }

  close(): Promise<void> {
    return this.#participant.close();
  }
}

const tabs: Tab[] = [];

afterEach(async () => {
  for (const tab of tabs.splice(0)) {
    tab.kill();
    await tab.close();
  }
});

async function aliceInTwoTabs() {
  const relay = new Relay();
  const bob = await signUp(relay, "Bob");
  const personId = crypto.randomUUID();
  relay.addPerson(personId, "Alice");
  const [locks, air, store, server] = [new MemoryLocks(), new MemoryAir(), new MemoryStore(), relay.serverFor(personId)];
  const open = () => new Tab(personId, locks, air, store, server);
  const first = open();
  const challenge = toBase64(randomBytes(32));
  await first.call("createDevice", { personId, name: "Test", challenge, beginsAnew: false, forgetOld: false });
  const second = open();
  await second.call("open", { personId });
  await until(() => second.snapshot?.connection === "online", "the second tab hears of the connection");
  return { relay, bob, first, second, open };
}

test("a second tab talks through the first and hears what it hears", async () => {
  const { bob, first, second } = await aliceInTwoTabs();

  const { conversationId } = await second.call("startDirect", { personId: bob.personId });
  await second.call("sendText", { conversationId, text: "from the second" });
  await bob.reads(conversationId, ["from the second"]);

  for (const tab of [first, second]) {
    await until(() => tab.notifications.some(({ type }) => type === "messages"), "both are told");
    const { messages } = await tab.call("messages", { conversationId, before: null, limit: 10 });
    assert.deepEqual(messages.map(({ text }) => text), ["from the second"]);
  }
});

test("when the leader's tab dies the other takes over with everything it knew", async () => {
  const { bob, first, second } = await aliceInTwoTabs();
  const { conversationId } = await first.call("startDirect", { personId: bob.personId });
  await first.call("sendText", { conversationId, text: "before" });
  await bob.reads(conversationId, ["before"]);

  const told = second.notifications.length;
  first.kill();
  await second.call("sendText", { conversationId, text: "after" });

  await bob.reads(conversationId, ["before", "after"]);
  const phases = second.notifications.slice(told).map((one) => one.type === "snapshot" && one.snapshot.phase);
  assert(!phases.includes("opening"), "nobody is torn away from their writing");
  await bob.send(conversationId, "answer");
  await until(async () => {
    const { messages } = await second.call("messages", { conversationId, before: null, limit: 10 });
    return messages.length === 3;
  }, "the second tab has it all");
});

test("a call that was with the leader when it died is made again and happens once", async () => {
  const { bob, first, second } = await aliceInTwoTabs();
  const { conversationId } = await first.call("startDirect", { personId: bob.personId });

  const sending = second.call("sendText", { conversationId, text: "once" });
  first.kill();
  await sending;

  await bob.reads(conversationId, ["once"]);
});

test("logging out in one tab closes the engine in all, and it can be opened again", async () => {
  const { bob, first, second, open } = await aliceInTwoTabs();
  const { conversationId } = await first.call("startDirect", { personId: bob.personId });

  await second.close();
  await until(() => first.isClosed && second.isClosed, "both are closed");
  await assert.rejects(first.call("sendText", { conversationId, text: "x" }), { code: "closed" });
  const third = open();
  await third.call("open", { personId: third.personId });
  await third.call("sendText", { conversationId, text: "back again" });

  await bob.reads(conversationId, ["back again"]);
});
