// Clients with names, a server that orders what they send, and words for what must hold.

import assert from "node:assert/strict";
import { type Bytes, fromUtf8, sameBytes, utf8 } from "../../src/bytes.ts";
import { MLSError } from "../../src/mls/errors.ts";
import { type CommitPlan, type PendingCommit, commit } from "../../src/mls/group/commit.ts";
import { createGroup } from "../../src/mls/group/create.ts";
import type { Group } from "../../src/mls/group/group.ts";
import { join } from "../../src/mls/group/join.ts";
import type { OwnKeyPackage } from "../../src/mls/group/key_packages.ts";
import { type Framing, PUBLIC, encrypt } from "../../src/mls/group/messages.ts";
import { process } from "../../src/mls/group/process.ts";
import { load, save } from "../../src/mls/group/storage.ts";
import type { Extensions } from "../../src/mls/messages/extensions.ts";
import { keyPackageReference } from "../../src/mls/messages/key_packages.ts";
import { MLSMessage } from "../../src/mls/messages/mls_message.ts";
import { Add, type Proposal, Remove } from "../../src/mls/messages/proposals.ts";
import { PublicGroup } from "../../src/mls/public_group/public_group.ts";
import { GROUP_ID, POLICY, keyPackageOf } from "./people.ts";

export function overTheWire(message: MLSMessage): MLSMessage {
  return MLSMessage.decode(MLSMessage.encode(message));
}

export interface RoomOptions {
  readonly suite?: number;
  readonly framing?: Framing;
  readonly extensions?: Extensions;
  readonly oneByOne?: boolean;
}

/** A conversation: everyone's state, and the server's public view of it. */
export class Room {
  readonly groups = new Map<string, Group>();
  readonly packages = new Map<string, OwnKeyPackage>();

  constructor(
    public server: PublicGroup,
    readonly suite: number,
    readonly framing: Framing,
  ) {}

  /** A room that the first name made and into which it invited the others. */
  static async of(names: readonly string[], options: RoomOptions = {}): Promise<Room> {
    const { suite = 1, framing = PUBLIC, extensions = [], oneByOne = false } = options;
    const [first = "", ...others] = names;
    const group = await createGroup(await keyPackageOf(first, suite), GROUP_ID, POLICY, extensions);
    const room = new Room(await publicOf(group), suite, framing);
    room.groups.set(first, group);
    const batches = oneByOne ? others.map((name) => [name]) : others.length > 0 ? [others] : [];
    for (const batch of batches) await room.commit(first, await room.invite(...batch));
    return room;
  }

  at(name: string): Group {
    const group = this.groups.get(name);
    assert(group, `${name} is not here`);
    return group;
  }

  async invite(...names: readonly string[]): Promise<readonly Add[]> {
    const adds: Add[] = [];
    for (const name of names) {
      const own = await keyPackageOf(name, this.suite);
      this.packages.set(name, own);
      adds.push(Add.of({ keyPackage: own.package }));
    }
    return adds;
  }

  remove(name: string): Remove {
    return Remove.of({ removed: this.at(name).ownLeaf });
  }

  async startCommit(by: string, proposals: readonly Proposal[] = [], plan: Partial<CommitPlan> = {}): Promise<PendingCommit> {
    const pending = await commit(this.at(by), { proposals, framing: this.framing, ...plan }, POLICY);
    this.groups.set(by, pending.before);
    return pending;
  }

  /** Commit and let everyone take it in, those who are new by the Welcome. */
  async commit(by: string, proposals: readonly Proposal[] = [], plan: Partial<CommitPlan> = {}): Promise<void> {
    await this.accept(by, await this.startCommit(by, proposals, plan));
  }

  async accept(by: string, pending: PendingCommit): Promise<void> {
    await this.everyoneHears(pending.message, by);
    this.keep(by, pending.group);
    if (this.framing.isPrivate) this.server = await publicOf(pending.group);
    await this.server.checkGroupInfo(pending.groupInfo);
    if (pending.welcome !== null) await this.welcome(overTheWire(pending.welcome), pending.group);
  }

  async everyoneHears(message: MLSMessage, but = ""): Promise<void> {
    for (const name of [...this.groups.keys()].filter((each) => each !== but)) await this.hear(name, message);
    const { body } = message;
    if (body.kind === "PublicMessage") this.server = await this.server.receive(body, POLICY);
  }

  async hear(name: string, message: MLSMessage): Promise<void> {
    const received = await process(this.at(name), overTheWire(message), POLICY);
    if (received.kind === "RemovedFromGroup") this.groups.delete(name);
    else this.keep(name, received.group);
  }

  /** Every state goes through bytes. */
  keep(name: string, group: Group): void {
    this.groups.set(name, load(save(group)));
  }

  async welcome({ body }: MLSMessage, inviter: Group): Promise<void> {
    assert(body.kind === "Welcome");
    for (const [name, own] of this.packages) {
      const reference = keyPackageReference(own.package);
      if (!body.secrets.some((entry) => sameBytes(entry.newMember, reference))) continue;
      this.keep(name, await join(body, own, POLICY, { tree: inviter.tree.toExtension() }));
      this.packages.delete(name);
    }
  }

  /** Everyone is in the same epoch with the same secrets, and the server sees it too. */
  agree(): void {
    const authenticators = [...this.groups.values()].map((group) => `${group.epoch} ${group.epochAuthenticator.join()}`);
    assert.equal(new Set(authenticators).size, 1);
    for (const group of this.groups.values()) assert.deepEqual(this.server.context, group.context);
  }

  /** What each says, all others read, and nobody else's name is on it. */
  async everyoneCanTalk(): Promise<void> {
    this.agree();
    for (const speaker of this.groups.keys()) {
      const text = utf8(`${speaker} was here`);
      const sent = await encrypt(this.at(speaker), text, { authenticatedData: utf8("bound"), padding: 11 });
      this.keep(speaker, sent.group);
      for (const listener of this.groups.keys()) {
        if (listener === speaker) continue;
        assert.deepEqual(await this.read(listener, sent.message), [`${speaker} was here`, "bound", speaker]);
      }
    }
  }

  async read(listener: string, message: MLSMessage): Promise<readonly string[]> {
    const heard = await process(this.at(listener), overTheWire(message), POLICY);
    assert(heard.kind === "ApplicationMessage");
    assert(heard.leaf.credential.kind === "BasicCredential");
    this.keep(listener, heard.group);
    return [fromUtf8(heard.data), fromUtf8(heard.authenticatedData), fromUtf8(heard.leaf.credential.identity)];
  }
}

export function publicOf(group: Group): Promise<PublicGroup> {
  return group.groupInfo({ withTree: true }).then((info) => PublicGroup.fromGroupInfo(info, POLICY));
}

/** The message is refused with this code and the state stays exactly as it was. */
export async function refuses(group: Group, message: MLSMessage, code: string, policy = POLICY): Promise<void> {
  const before = save(group);
  assert.equal(await codeOf(async () => process(group, overTheWire(message), policy)), code);
  assert(sameState(before, save(group)));
}

/** The code of the refusal, or that there was none; anything else that is thrown goes on. */
export async function codeOf(operation: () => Promise<unknown>): Promise<string> {
  try {
    await operation();
    return "accepted";
  } catch (error) {
    if (error instanceof MLSError) return error.code;
    throw error;
  }
}

export function sameState(one: { secret: Bytes; public: Bytes }, other: { secret: Bytes; public: Bytes }): boolean {
  return sameBytes(one.secret, other.secret) && sameBytes(one.public, other.public);
}
