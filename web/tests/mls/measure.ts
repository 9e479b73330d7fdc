// What each operation costs, in milliseconds, in Node or in a browser's Worker.
//
// The same operations as benchmarks/mls measures in Python and ts_mls_peer.mjs for ts-mls.

import { utf8 } from "../../src/bytes.ts";
import { commit } from "../../src/mls/group/commit.ts";
import { createGroup } from "../../src/mls/group/create.ts";
import { join } from "../../src/mls/group/join.ts";
import type { OwnKeyPackage } from "../../src/mls/group/key_packages.ts";
import { encrypt } from "../../src/mls/group/messages.ts";
import { process as take } from "../../src/mls/group/process.ts";
import { load, save, saveSecrets } from "../../src/mls/group/storage.ts";
import type { MLSMessage } from "../../src/mls/messages/mls_message.ts";
import { Add } from "../../src/mls/messages/proposals.ts";
import { GROUP_ID, POLICY, keyPackageOf } from "./people.ts";

const REPEATS = 7;
const SIZES = [256, 16_384];

export class Times {
  readonly milliseconds: Record<string, number> = {};

  /** The median of some rounds, and what the last one made. */
  async measure<T>(name: string, operation: (round: number) => T | Promise<T>): Promise<T> {
    const times: number[] = [];
    let made = await operation(0);
    for (let round = 0; round < REPEATS; round += 1) {
      const begun = performance.now();
      made = await operation(round);
      times.push(performance.now() - begun);
    }
    times.sort((one, other) => one - other);
    this.milliseconds[name] = Number((times[Math.floor(REPEATS / 2)] ?? 0).toFixed(2));
    return made;
  }
}

export async function measure(suite: number, members: number): Promise<Times> {
  const times = new Times();
  const own = await times.measure("key package", () => keyPackageOf("alice", suite));
  const others: OwnKeyPackage[] = [];
  for (let number = 1; number <= members; number += 1) others.push(await keyPackageOf(`member ${number}`, suite));
  const [newcomer] = others.splice(-1);
  const [second] = others;
  if (newcomer === undefined || second === undefined) throw new RangeError("a group has two members at least");
  const alone = await times.measure("create", () => createGroup(own, GROUP_ID, POLICY));
  const adds = others.map((each) => Add.of({ keyPackage: each.package }));
  const filled = await commit(alone, { proposals: adds }, POLICY);
  const body = filled.welcome?.body;
  if (body?.kind !== "Welcome") throw new TypeError("nobody was added");
  const joined = await times.measure("join", () => join(body, second, POLICY));
  const add = Add.of({ keyPackage: newcomer.package });
  await times.measure("add", () => commit(filled.group, { proposals: [add], path: false }, POLICY));
  const renewed = await times.measure("commit", () => commit(filled.group, {}, POLICY));
  const heard = await times.measure("process", () => take(joined, renewed.message, POLICY));
  if (heard.kind !== "CommitReceived") throw new TypeError("no commit");
  await measureMessages(times, renewed.group, heard.group);
  return times;
}

type Member = Parameters<typeof encrypt>[0];

async function measureMessages(times: Times, speaker: Member, listener: Member): Promise<void> {
  for (const size of SIZES) {
    const data = utf8("x".repeat(size));
    let [from, to] = [speaker, listener];
    const sent: MLSMessage[] = [];
    await times.measure(`encrypt and save ${size}`, async (round) => {
      const outgoing = await encrypt(from, data);
      from = outgoing.group;
      saveSecrets(from);
      sent[sent.length] = outgoing.message;
      return round;
    });
    await times.measure(`decrypt ${size}`, async () => {
      const message = sent.shift();
      if (message === undefined) throw new RangeError("nothing was sent");
      const received = await take(to, message, POLICY);
      if (received.kind === "ApplicationMessage") to = received.group;
    });
  }
  const saved = await times.measure("save", () => save(speaker));
  await times.measure("load", () => load(saved));
}
