// When a person hears that there is something to read, and when not.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Desk, Notifier } from "../src/app/notifications.ts";
import type { Snapshot } from "../src/worker/protocol.ts";

/** A desk that remembers what lies on it. */
class Table implements Desk {
  looks = false;
  readonly lying = new Map<string, { title: string; body: string; opened(): void }>();

  isLookedAt(): boolean {
    return this.looks;
  }

  show({ tag, ...notice }: Parameters<Desk["show"]>[0]) {
    this.lying.set(tag, notice);
    return { close: () => void this.lying.delete(tag) };
  }

  bodies(): string[] {
    return [...this.lying.values()].map(({ body }) => body);
  }
}

function snapshot(unread: Record<string, number>, phase: Snapshot["phase"] = "ready"): Snapshot {
  const conversations = Object.entries(unread).map(([id, count]) => ({
    id,
    kind: "direct" as const,
    title: `With ${id}`,
    personIds: [],
    lastMessage: { text: "canary", at: "2026-01-01T00:00:00Z", mine: false },
    unread: count,
    state: "open" as const,
    notice: null,
    draft: "",
    lifetime: null,
    longest: null,
  }));
  return { phase, failure: null, connection: "online", me: null, conversations };
}

function desk(): { table: Table; opened: string[]; notifier: Notifier } {
  const table = new Table();
  const opened: string[] = [];
  return { table, opened, notifier: new Notifier(table, (id) => opened.push(id)) };
}

test("what comes while a person looks elsewhere is told, without what was written", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { table, notifier, opened } = desk();
  notifier.hear(snapshot({ ben: 0 }));
  notifier.hear(snapshot({ ben: 2 }));

  context.mock.timers.tick(1_000);

  const told = table.lying.get("ben");
  assert.deepEqual([told?.title, told?.body], ["With ben", "2 unread messages"]);
  told?.opened();
  assert.deepEqual(opened, ["ben"]);
  assert.equal(table.lying.size, 0);
});

test("who looks at the page is told nothing", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { table, notifier } = desk();
  table.looks = true;
  notifier.hear(snapshot({ ben: 0 }));
  notifier.hear(snapshot({ ben: 1 }));

  context.mock.timers.tick(1_000);

  assert.equal(table.lying.size, 0);
});

test("what another tab shows meanwhile is not told, and what was read is taken away", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { table, notifier } = desk();
  notifier.hear(snapshot({ ben: 0, cleo: 0 }));
  notifier.hear(snapshot({ ben: 1, cleo: 1 }));
  notifier.hear(snapshot({ ben: 0, cleo: 1 }));
  context.mock.timers.tick(1_000);
  assert.deepEqual([...table.lying.keys()], ["cleo"]);

  notifier.hear(snapshot({ ben: 0, cleo: 0 }));

  assert.equal(table.lying.size, 0);
});

test("what was unread before, and fewer unread ones, are no news; after a log-out nothing lies there", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { table, notifier } = desk();
  notifier.hear(snapshot({ ben: 5 }));
  notifier.hear(snapshot({ ben: 4 }));
  context.mock.timers.tick(1_000);
  assert.equal(table.lying.size, 0);

  notifier.hear(snapshot({ ben: 6, cleo: 1 }));
  context.mock.timers.tick(1_000);
  assert.deepEqual(table.bodies(), ["6 unread messages", "1 unread message"]);
  notifier.hear(snapshot({}, "closed"));

  assert.equal(table.lying.size, 0);
});
