// What each operation costs, in milliseconds, in Node or in a browser's Worker.
//
// The same operations as benchmarks/mls measures in Python and ts_mls_bench.mjs for ts-mls.

import type { Bytes } from "../../src/bytes.ts";
import { type PendingCommit, commit } from "../../src/mls/group/commit.ts";
import { createGroup } from "../../src/mls/group/create.ts";
import type { Group } from "../../src/mls/group/group.ts";
import { join } from "../../src/mls/group/join.ts";
import type { OwnKeyPackage } from "../../src/mls/group/key_packages.ts";
import { encrypt } from "../../src/mls/group/messages.ts";
import { process as take } from "../../src/mls/group/process.ts";
import { load, save, saveSecrets } from "../../src/mls/group/storage.ts";
import { MLSMessage } from "../../src/mls/messages/mls_message.ts";
import { Add } from "../../src/mls/messages/proposals.ts";
import { Welcome } from "../../src/mls/messages/welcome.ts";
import { measureAlone } from "./alone.ts";
import { GROUP_ID, POLICY, keyPackageOf } from "./people.ts";

export interface Plan {
  readonly suite: number;
  readonly members: number;
  readonly repeats: number;
  /** How many times more often the operations below a millisecond are repeated. */
  readonly quick: number;
  readonly sizes: readonly number[];
}

/** Stores bytes durably. */
export type Keep = (bytes: Bytes) => Promise<void>;

export type Milliseconds = Record<string, number>;

export class Stopwatch {
  readonly milliseconds: Milliseconds = {};

  constructor(readonly plan: Plan) {}

  /** The best of the rounds, for whatever else the machine does only adds; and what the last made. */
  async time<T>(name: string, operation: () => T | Promise<T>, repeats = this.plan.repeats): Promise<T> {
    let best = Infinity;
    let made: T;
    let round = 0;
    do {
      const begun = performance.now();
      made = await operation();
      best = Math.min(best, performance.now() - begun);
      round += 1;
    } while (round < repeats);
    this.milliseconds[name] = best;
    return made;
  }

  quickly<T>(name: string, operation: () => Promise<T>): Promise<T> {
    return this.time(name, operation, this.plan.repeats * this.plan.quick);
  }
}

/** `keep`, if there is one, is measured along with encrypting. */
export async function measure(plan: Plan, keep: Keep | null = null): Promise<Milliseconds> {
  const watch = new Stopwatch(plan);
  const { suite, members } = plan;
  const own = await watch.time("key package", () => keyPackageOf("alice", suite));
  const others: OwnKeyPackage[] = [];
  for (let number = 1; number <= members; number += 1) others.push(await keyPackageOf(`member ${number}`, suite));
  const [newcomer] = others.splice(-1);
  const [second] = others;
  if (newcomer === undefined || second === undefined) throw new RangeError("a group has two members at least");
  const alone = await watch.time("create", () => createGroup(own, GROUP_ID, POLICY));
  const filled = await commit(alone, { proposals: others.map(adding) }, POLICY);
  const welcome = welcomeOf(filled);
  const joined = await watch.time("join", () => join(Welcome.decode(welcome), second, POLICY));
  await watch.time("add", () => commit(filled.group, { proposals: [adding(newcomer)], path: false }, POLICY));
  const renewed = await watch.time("commit", () => commit(filled.group, {}, POLICY));
  const message = MLSMessage.encode(renewed.message);
  watch.milliseconds["commit bytes"] = message.length;
  const heard = await watch.time("process", () => take(joined, MLSMessage.decode(message), POLICY));
  if (heard.kind !== "CommitReceived") throw new TypeError("no commit");
  await measureMessages(watch, renewed.group, heard.group, keep);
  await measureStorage(watch, renewed.group);
  await measureAlone(watch, keep);
  return watch.milliseconds;
}

function adding(own: OwnKeyPackage): Add {
  return Add.of({ keyPackage: own.package });
}

function welcomeOf({ welcome }: PendingCommit): Bytes {
  if (welcome?.body.kind !== "Welcome") throw new TypeError("nobody was added");
  return Welcome.encode(welcome.body);
}

async function measureMessages(watch: Stopwatch, speaker: Group, listener: Group, keep: Keep | null): Promise<void> {
  let [from, to] = [speaker, listener];
  const say = async (data: Bytes): Promise<Bytes> => {
    const outgoing = await encrypt(from, data);
    from = outgoing.group;
    return MLSMessage.encode(outgoing.message);
  };
  for (const size of watch.plan.sizes) {
    const data = new Uint8Array(size);
    const sent: Bytes[] = [];
    await watch.quickly(`encrypt ${size}`, async () => {
      sent.push(await say(data));
    });
    await watch.quickly(`decrypt ${size}`, async () => {
      const received = await take(to, MLSMessage.decode(sent.shift() ?? data), POLICY);
      if (received.kind === "ApplicationMessage") to = received.group;
    });
    if (keep === null) continue;
    await watch.quickly(`encrypt and keep ${size}`, async () => {
      await say(data);
      await keep(saveSecrets(from));
    });
  }
}

async function measureStorage(watch: Stopwatch, group: Group): Promise<void> {
  const secrets = await watch.time("save", () => saveSecrets(group));
  watch.milliseconds["state bytes"] = secrets.length;
  const saved = save(group);
  await watch.time("load", () => load(saved));
}
