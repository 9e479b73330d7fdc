// People with browsers, for the stories: each a store, an engine and what its pages were told.

import assert from "node:assert/strict";
import { afterEach } from "node:test";
import { BlobFiles } from "../src/attachments/staging.ts";
import { toBase64, randomBytes } from "../src/bytes.ts";
import { ChatEngine } from "../src/worker/engine.ts";
import type { MessageView, Notification, Snapshot } from "../src/worker/protocol.ts";
import { createDevice } from "../src/worker/registration.ts";
import { MemoryStore } from "./memory-store.ts";
import { Relay, type RelayServer } from "./relay.ts";

const TIMING = { firstPause: 10, longestPause: 50, answerWithin: 2_000, commitWithin: 20 };
const PATIENCE = 20_000; // a busy machine is not a fault

const opened: Browser[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((browser) => browser.close()));
});

export class Browser {
  readonly notifications: Notification[] = [];
  /** Stays over a reload, as the browser's private files do. */
  readonly staging = new BlobFiles();
  /** How many milliseconds its clock is ahead. */
  ahead = 0;
  engine!: ChatEngine; // set by `open`

  constructor(
    readonly personId: string,
    readonly store: MemoryStore,
    readonly server: RelayServer,
  ) {}

  async open(): Promise<this> {
    this.engine = await ChatEngine.open({
      personId: this.personId,
      store: this.store,
      server: this.server,
      staging: this.staging,
      notify: (notification) => this.notifications.push(notification),
      timing: TIMING,
      now: () => Date.now() + this.ahead,
    });
    this.engine.start();
    opened.push(this);
    await until(() => this.snapshot.connection === "online", "the engine is online");
    await until(async () => (await this.server.keyPackageCount()).has_last_resort, "key packages are there");
    return this;
  }

  async close(): Promise<void> {
    await this.engine.close();
  }

  /** As after a reload of the page: a new engine over the same store. */
  async reload(): Promise<this> {
    await this.close();
    return this.open();
  }

  get snapshot(): Snapshot {
    return this.engine.snapshot();
  }

  async messages(conversationId: string): Promise<MessageView[]> {
    return (await this.engine.messages(conversationId, null, 500)).messages;
  }

  async texts(conversationId: string): Promise<string[]> {
    const messages = await this.messages(conversationId);
    return messages.filter(({ kind }) => kind === "text").map(({ text }) => text);
  }

  send(conversationId: string, text: string): Promise<{ messageId: string }> {
    return this.engine.sendText(conversationId, text, crypto.randomUUID());
  }

  knows(conversationId: string): boolean {
    return this.snapshot.conversations.some(({ id, state }) => id === conversationId && state === "open");
  }

  async reads(conversationId: string, expected: readonly string[]): Promise<void> {
    await until(
      async () => this.knows(conversationId) && (await this.texts(conversationId)).length >= expected.length,
      `${expected.length} messages are there`,
    );
    assert.deepEqual(await this.texts(conversationId), expected);
  }
}

/** What all of them read. */
export function everyone(browsers: readonly Browser[]) {
  return {
    async reads(conversationId: string, expected: readonly string[]): Promise<void> {
      for (const browser of browsers) await browser.reads(conversationId, expected);
    },
  };
}

export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = Date.now() + PATIENCE;
  while (!(await condition())) {
    if (Date.now() > end) assert.fail(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export async function signUp(relay: Relay, name: string): Promise<Browser> {
  const personId = crypto.randomUUID();
  relay.addPerson(personId, name);
  const store = new MemoryStore();
  const server = relay.serverFor(personId);
  await createDevice(store, server, { personId, name: "Test", challenge: toBase64(randomBytes(32)), beginsAnew: false, forgetOld: false });
  return new Browser(personId, store, server).open();
}

export async function direct(from: Browser, to: Browser): Promise<string> {
  const { conversationId } = await from.engine.startDirect(to.personId, crypto.randomUUID());
  await until(() => to.knows(conversationId), "the other has joined");
  return conversationId;
}
