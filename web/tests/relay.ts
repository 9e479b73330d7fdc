// A server in memory that behaves as docs/protocol.md says: one log per conversation, one commit per
// epoch, idempotent ids, key packages handed out once. It reads no secret.

import { ProblemError } from "../src/api/http.ts";
import { type Bytes, bytesToUuid, fromBase64, randomBytes, toBase64 } from "../src/bytes.ts";
import { parseCredential } from "../src/identity.ts";
import type { SignaturePrivateKey } from "../src/mls/crypto/secrets.ts";
import { ED25519 } from "../src/mls/crypto/signatures.ts";
import { AllowedSender, externalSenders } from "../src/mls/messages/extensions.ts";
import { ratchetTreeOf } from "../src/mls/messages/group_info.ts";
import type { GroupContext } from "../src/mls/messages/group_context.ts";
import { asLeafIndex } from "../src/mls/messages/indexes.ts";
import { MLSMessage } from "../src/mls/messages/mls_message.ts";
import { type Proposal, Remove } from "../src/mls/messages/proposals.ts";
import { proposeAsExternalSender } from "../src/mls/public_group/outside.ts";
import { PublicGroup } from "../src/mls/public_group/public_group.ts";
import type { Command, EphemeralArrived, SendEphemeral, ServerFrame, SubmitCommit } from "../src/wire.ts";
import type {
  BoundDevice,
  ConversationInfo,
  Entry,
  GroupNow,
  MemberInfo,
  MessagingSettings,
  NewConversation,
  NewDevice,
  PersonInfo,
  Server,
  Socket,
  SocketHandlers,
  WelcomeInfo,
} from "../src/worker/server.ts";
import { type RelayFile, RelayFiles } from "./file-relay.ts";
import { SERVER, bodyOf, deviceOf, groupInfoIn, policy, publicGroupOf, publicMessageIn, treeOf } from "./relay-groups.ts";
import { refuse, verified } from "./refusals.ts";
import { checkReplacesItself, enterAgain, groupNow, keepReport } from "./relay-rejoining.ts";

interface RelayDevice {
  id: string;
  personId: string;
  share: string;
  keyPackages: string[];
  lastResort: string | null;
  welcomes: WelcomeInfo[];
  sockets: Set<RelaySocket>;
}

interface RelayConversation {
  info: ConversationInfo;
  personIds: Set<string>;
  log: Entry[];
  /** What the server keeps of the group: it checks every change of it. */
  group: PublicGroup;
  /** By epoch. */
  trees: Map<number, string>;
  /** Of the present epoch, without the tree. */
  groupInfo: string;
  /** Who was removed, and at which position. */
  left: Map<string, number>;
}

interface RelaySocket {
  handlers: SocketHandlers;
  open: boolean;
  close(code: number): void;
}

type Submitted = Pick<SubmitCommit, "commit" | "group_info"> & { welcome: string | null };

export class Relay {
  readonly devices = new Map<string, RelayDevice>();
  readonly conversations = new Map<string, RelayConversation>();
  incarnation: string = crypto.randomUUID();
  readonly names = new Map<string, string>();
  readonly files = new Map<string, RelayFile>();
  /** How long each message may be kept, as its sender has told the server. */
  readonly lifetimes = new Map<string, number | null>();
  /** Commands wait for the one before. */
  turn: Promise<void> = Promise.resolve();
  /** For tests: what a hostile server would hand out instead. */
  tamper: (entry: Entry) => Entry = (entry) => entry;
  tamperWhisper: (frame: EphemeralArrived) => EphemeralArrived = (frame) => frame;
  /** For tests: why no message is taken; null: it is. */
  refusesMessages: string | null = null;
  refused = 0;
  /** How many were passed on. */
  whispers = 0;
  /** For tests: what the organisation has chosen. */
  suite = 0xf04e;
  /** For tests: how long the organisation keeps messages. */
  retentionDays: number | null = null;
  /** For tests: the answer to the next accepted command is lost with its socket. */
  loseNextAnswer = false;

  readonly #key: Promise<SignaturePrivateKey> = ED25519.generate();

  async settings(): Promise<MessagingSettings> {
    const signatureKey = await ED25519.publicKeyOf(await this.#key);
    const sender = AllowedSender.encode(AllowedSender.of({ signatureKey, credential: SERVER }));
    return { cipher_suite: this.suite, external_sender: toBase64(sender), retention_days: this.retentionDays };
  }

  addPerson(id: string, name: string): void {
    this.names.set(id, name);
  }

  serverFor(personId: string): RelayServer {
    return new RelayServer(this, personId);
  }

  found(
    { id, kind, cipher_suite, person_id }: Omit<NewConversation, "group_info">,
    group: PublicGroup,
    { members, personIds }: { members: MemberInfo[]; personIds: Set<string> },
  ): RelayConversation {
    const epoch = Number(group.context.epoch);
    const created_at = new Date().toISOString();
    const info = { id, kind, cipher_suite, epoch, last_position: 0, created_at, retention_seconds: null, person_id, members, failures: [] };
    const trees = new Map([[epoch, treeOf(group)]]);
    const conversation: RelayConversation = { info, personIds, log: [], group, trees, groupInfo: "", left: new Map() };
    this.conversations.set(id, conversation);
    return conversation;
  }

  conversation(id: string): RelayConversation {
    return this.conversations.get(id) ?? refuse("not_found");
  }

  memberOf(conversation: RelayConversation, deviceId: string) {
    return conversation.info.members.find(({ device_id }) => device_id === deviceId) ?? refuse("not_found");
  }

  append(id: string, deviceId: string | null, kind: Entry["kind"], messageId: string, data: string): Entry {
    const { info, log } = this.conversation(id);
    const entry: Entry = {
      conversation_id: id,
      position: log.length + 1,
      kind,
      epoch: info.epoch,
      sender_device_id: deviceId,
      message_id: messageId,
      created_at: new Date().toISOString(),
      data,
    };
    log.push(entry);
    info.last_position = entry.position;
    return entry;
  }

  tell(id: string, frame: ServerFrame): void {
    for (const { device_id } of this.conversation(id).info.members) this.tellDevice(device_id, frame);
  }

  tellDevice(deviceId: string, frame: ServerFrame): void {
    for (const socket of this.devices.get(deviceId)?.sockets ?? []) {
      setTimeout(() => {
        if (socket.open) socket.handlers.frame(structuredClone(frame));
      }, 0);
    }
  }

  /** Idempotent by id: the same bytes again have the same place. */
  repeated(id: string, deviceId: string, messageId: string, data: string): number | null {
    const { log } = this.conversation(id);
    const before = log.find((entry) => entry.message_id === messageId && entry.sender_device_id === deviceId);
    if (!before) return null;
    if (before.data !== data) refuse("message_id_reused");
    return before.position;
  }

  async sendMessage(deviceId: string, id: string, messageId: string, ciphertext: string): Promise<number> {
    const conversation = this.conversation(id);
    this.memberOf(conversation, deviceId);
    const before = this.repeated(id, deviceId, messageId, ciphertext);
    if (before !== null) return before;
    if (this.refusesMessages !== null) {
      this.refused += 1;
      refuse(this.refusesMessages);
    }
    const message = await verified("message_invalid", () => bodyOf(ciphertext));
    if (message.kind !== "PrivateMessage" || bytesToUuid(message.groupId) !== id) refuse("message_invalid");
    if (Number(message.epoch) !== conversation.info.epoch) refuse("stale_epoch", { epoch: conversation.info.epoch });
    if (conversation.group.proposals.size > 0) refuse("proposals_pending");
    return this.#tellAppended(this.append(id, deviceId, "message", messageId, ciphertext));
  }

  #tellAppended(entry: Entry): number {
    this.tell(entry.conversation_id, { type: "entry_appended", ...this.tamper(entry) });
    return entry.position;
  }

  async submitCommit(deviceId: string, id: string, messageId: string, commit: Submitted): Promise<number> {
    const conversation = this.conversation(id);
    const { info, group } = conversation;
    this.memberOf(conversation, deviceId);
    const before = this.repeated(id, deviceId, messageId, commit.commit);
    if (before !== null) return before;
    const message = await verified("commit_invalid", () => publicMessageIn(commit.commit));
    if (Number(message.content.epoch) !== info.epoch) refuse("stale_epoch", { epoch: info.epoch });
    const staged = await verified("commit_invalid", () => group.receiveCommit(message, policy()));
    if (Number(message.content.epoch) !== info.epoch) refuse("stale_epoch", { epoch: info.epoch });
    const { proposals, committer } = staged.changes;
    if (deviceOf(staged.group.tree.leaf(committer)) !== deviceId) refuse("commit_invalid");
    const isRejoin = proposals.externalInit !== null;
    for (const sent of isRejoin ? [] : group.proposals.values()) {
      if (!proposals.items.some(({ proposal }) => proposal === sent.proposal)) refuse("proposals_pending");
    }
    const groupInfo = groupInfoIn(commit.group_info);
    if (ratchetTreeOf(groupInfo) !== null) refuse("commit_invalid");
    await verified("commit_invalid", () => staged.group.checkGroupInfo(groupInfo));
    const added = staged.changes.added.map(({ keyPackage }) => deviceOf(keyPackage.leafNode));
    if (added.length > 0 && commit.welcome === null) refuse("welcome_missing");
    const removed = proposals.removedLeaves.map((leaf) => deviceOf(group.tree.leaf(leaf)));
    if (isRejoin) checkReplacesItself(removed, deviceId);
    const entry = this.append(id, deviceId, "commit", messageId, commit.commit);
    this.#tellAppended(entry);
    info.epoch += 1;
    conversation.group = staged.group;
    conversation.trees.set(info.epoch, treeOf(staged.group));
    conversation.groupInfo = commit.group_info;
    if (isRejoin) {
      enterAgain(this.memberOf(conversation, deviceId), entry.position);
      return entry.position;
    }
    for (const device of removed) conversation.left.set(device, entry.position);
    info.members = info.members.filter(({ device_id }) => !removed.includes(device_id));
    for (const name of added) {
      const device = this.devices.get(name) ?? refuse("commit_invalid");
      this.welcome(conversation, device, entry.position, commit.welcome ?? "");
    }
    return entry.position;
  }

  /** A member wants to leave: its own leaf, and nothing else. */
  async submitProposal(deviceId: string, id: string, messageId: string, proposal: string): Promise<number> {
    const conversation = this.conversation(id);
    this.memberOf(conversation, deviceId);
    const before = this.repeated(id, deviceId, messageId, proposal);
    if (before !== null) return before;
    if (conversation.info.kind === "direct") refuse("proposal_not_supported");
    const message = await verified("proposal_invalid", () => publicMessageIn(proposal));
    if (Number(message.content.epoch) !== conversation.info.epoch) {
      refuse("stale_epoch", { epoch: conversation.info.epoch });
    }
    conversation.group = await verified("proposal_invalid", () => conversation.group.receive(message, policy()));
    return this.#tellAppended(this.append(id, deviceId, "proposal", messageId, proposal));
  }

  /** The device is no more; the server proposes its removal wherever it is. */
  async revoke(deviceId: string): Promise<void> {
    const device = this.devices.get(deviceId) ?? refuse("not_found");
    for (const socket of [...device.sockets]) socket.close(4410);
    this.devices.delete(deviceId);
    for (const conversation of this.conversations.values()) {
      const { group, info } = conversation;
      const leaf = group.tree.members().find(([, node]) => deviceOf(node) === deviceId)?.[0];
      if (leaf === undefined) continue;
      const data = toBase64(await this.propose(group.context, Remove.of({ removed: asLeafIndex(leaf) })));
      conversation.group = await group.receive(publicMessageIn(data), policy());
      this.#tellAppended(this.append(info.id, null, "proposal", crypto.randomUUID(), data));
    }
  }

  /** Signed by the server, as every group's external sender. */
  async propose(context: GroupContext, proposal: Proposal): Promise<Bytes> {
    return MLSMessage.encode(await proposeAsExternalSender(context, 0, await this.#key, proposal));
  }

  welcome(conversation: RelayConversation, device: RelayDevice, position: number, welcome: string): void {
    const { info, personIds } = conversation;
    info.members.push({
      device_id: device.id,
      person_id: device.personId,
      joined_position: position,
      delivered_position: position,
    });
    conversation.left.delete(device.id);
    personIds.add(device.personId);
    const place = { welcome_id: crypto.randomUUID(), conversation_id: info.id, position, epoch: info.epoch };
    device.welcomes.push({ ...place, welcome });
    this.tellDevice(device.id, { type: "welcome_arrived", ...place });
  }

  /** Said in passing: to the others who are there. */
  passOn(deviceId: string, { conversation_id, epoch, data }: SendEphemeral): void {
    this.whispers += 1;
    const { members } = this.conversation(conversation_id).info;
    const frame = { type: "ephemeral_arrived", conversation_id, epoch, sender_device_id: deviceId, data } as const;
    for (const { device_id } of members) if (device_id !== deviceId) this.tellDevice(device_id, this.tamperWhisper(frame));
  }

  markDelivered(deviceId: string, id: string, position: number): number {
    const member = this.memberOf(this.conversation(id), deviceId);
    member.delivered_position = Math.max(member.delivered_position, position);
    this.tell(id, {
      type: "delivery_advanced",
      conversation_id: id,
      device_id: deviceId,
      position: member.delivered_position,
    });
    return member.delivered_position;
  }
}

/** The relay as one logged-in browser sees it. */
export class RelayServer implements Server {
  readonly files = new RelayFiles(this);
  readonly relay: Relay;
  readonly personId: string;
  /** For tests: the network of this browser. */
  isOnline = true;
  /** For tests: commands of this browser wait for it on their way. */
  way: Promise<void> = Promise.resolve();
  /** The device this session is bound to. */
  deviceId: string | null = null;

  constructor(relay: Relay, personId: string) {
    this.relay = relay;
    this.personId = personId;
  }

  isMember(conversationId: string): boolean {
    const { info } = this.relay.conversation(conversationId);
    return info.members.some(({ device_id }) => device_id === this.deviceId);
  }

  goOffline(): void {
    this.isOnline = false;
    for (const socket of this.#device().sockets) this.#drop(socket);
  }

  goOnline(): void {
    this.isOnline = true;
  }

  async registerDevice(device: NewDevice): Promise<BoundDevice> {
    this.#network();
    const credential = parseCredential(fromBase64(device.credential));
    if (credential.accountId !== this.personId || credential.deviceId !== device.id) refuse("credential_invalid");
    this.relay.devices.set(device.id, {
      id: device.id,
      personId: this.personId,
      share: toBase64(randomBytes(32)),
      keyPackages: [],
      lastResort: null,
      welcomes: [],
      sockets: new Set(),
    });
    this.deviceId = device.id;
    return this.boundDevice();
  }

  async bindDevice(deviceId: string): Promise<BoundDevice> {
    this.#network();
    this.deviceId = deviceId;
    return this.boundDevice();
  }

  async boundDevice(): Promise<BoundDevice> {
    this.#network();
    const { id, share } = this.#device();
    return { device: { id, name: "", created_at: "" }, unlock_share: share };
  }

  async keyPackageCount() {
    this.#network();
    const { keyPackages, lastResort } = this.#device();
    return { available: keyPackages.length, has_last_resort: lastResort !== null };
  }

  async uploadKeyPackages(keyPackages: string[], lastResort: string | null): Promise<void> {
    this.#network();
    const device = this.#device();
    device.keyPackages.push(...keyPackages);
    device.lastResort = lastResort ?? device.lastResort;
  }

  async claimKeyPackages(personId: string, suite: number) {
    this.#network();
    if (suite !== this.relay.suite) refuse("no_key_package");
    const devices = [...this.relay.devices.values()].filter((device) => device.personId === personId);
    if (devices.length === 0) refuse("no_key_package");
    return devices.map((device) => ({
      device_id: device.id,
      key_package: device.keyPackages.shift() ?? device.lastResort ?? refuse("no_key_package"),
    }));
  }

  async messagingSettings(): Promise<MessagingSettings> {
    this.#network();
    return this.relay.settings();
  }

  async createConversation(wanted: NewConversation): Promise<ConversationInfo> {
    this.#network();
    const { id, kind, person_id, cipher_suite } = wanted;
    const device = this.#device();
    if (cipher_suite !== this.relay.suite) refuse("cipher_suite_not_allowed");
    const group = await verified("group_info_invalid", () => this.#founded(id, cipher_suite, wanted.group_info));
    const existing = this.relay.conversations.get(id);
    if (existing) return structuredClone(existing.info);
    const pair = new Set([this.personId, person_id ?? ""]);
    for (const { info, personIds } of this.relay.conversations.values()) {
      if (kind === "direct" && info.kind === "direct" && [...pair].every((person) => personIds.has(person))) {
        refuse("direct_conversation_exists", { conversation_id: info.id });
      }
    }
    const member = { device_id: device.id, person_id: this.personId, joined_position: 0, delivered_position: 0 };
    const personIds = kind === "direct" ? pair : new Set([this.personId]);
    const conversation = this.relay.found(wanted, group, { members: [member], personIds });
    return structuredClone(conversation.info);
  }

  /** A group of its creator alone, which lists this server as its one external sender. */
  async #founded(id: string, suite: number, groupInfo: string): Promise<PublicGroup> {
    const group = await publicGroupOf(groupInfo);
    const { context, tree } = group;
    const server = fromBase64((await this.relay.settings()).external_sender);
    const [sender, ...others] = externalSenders(context.extensions);
    const isFounded =
      bytesToUuid(context.groupId) === id &&
      context.cipherSuite === suite &&
      context.epoch === 0n &&
      tree.members().length === 1 &&
      deviceOf(tree.leaf(asLeafIndex(0))) === this.#device().id &&
      sender !== undefined &&
      toBase64(AllowedSender.encode(sender)) === toBase64(server) &&
      others.length + context.extensions.length === 1;
    return isFounded ? group : refuse("group_info_invalid");
  }

  async tree(id: string, epoch: number): Promise<string> {
    this.#network();
    const conversation = this.relay.conversation(id);
    this.relay.memberOf(conversation, this.#device().id);
    return conversation.trees.get(epoch) ?? refuse("tree_not_kept");
  }

  async conversation(id: string): Promise<ConversationInfo> {
    this.#network();
    const conversation = this.relay.conversation(id);
    this.relay.memberOf(conversation, this.#device().id);
    return structuredClone(conversation.info);
  }

  async conversations(): Promise<ConversationInfo[]> {
    this.#network();
    const mine = [...this.relay.conversations.values()].filter(({ info }) =>
      info.members.some(({ device_id }) => device_id === this.deviceId),
    );
    return structuredClone(mine.map(({ info }) => info));
  }

  async entries(id: string, after: number): Promise<{ entries: Entry[]; last_position: number }> {
    this.#network();
    const conversation = this.relay.conversation(id);
    const device = this.#device().id;
    const until = conversation.left.get(device);
    if (until === undefined) this.relay.memberOf(conversation, device);
    const last = until ?? conversation.info.last_position;
    const visible = conversation.log.filter(({ position }) => position > after && position <= last);
    return {
      entries: structuredClone(visible.slice(0, 200).map((entry) => this.relay.tamper(entry))),
      last_position: last,
    };
  }

  async group(id: string): Promise<GroupNow> {
    this.#network();
    const conversation = this.relay.conversation(id);
    this.relay.memberOf(conversation, this.#device().id);
    return groupNow(conversation);
  }

  async reportFailure(id: string, position: number, code: string): Promise<void> {
    this.#network();
    const conversation = this.relay.conversation(id);
    const member = this.relay.memberOf(conversation, this.#device().id);
    this.relay.tell(id, keepReport(conversation, member, { position, code }));
  }

  async welcomes(): Promise<WelcomeInfo[]> {
    this.#network();
    return structuredClone(this.#device().welcomes);
  }

  async forgetWelcome(id: string): Promise<void> {
    this.#network();
    const device = this.#device();
    device.welcomes = device.welcomes.filter(({ welcome_id }) => welcome_id !== id);
  }

  async person(id: string): Promise<PersonInfo> {
    this.#network();
    const display_name = this.relay.names.get(id) ?? refuse("not_found");
    return { id, username: "", display_name, role: "member", identity_key: null };
  }

  openSocket(handlers: SocketHandlers): Socket {
    const socket: RelaySocket = {
      handlers,
      open: this.isOnline,
      close: (code) => {
        socket.open = false;
        setTimeout(() => handlers.closed(code), 0);
      },
    };
    if (!this.isOnline) {
      setTimeout(() => handlers.closed(1006), 0);
      return { send: () => undefined, close: () => undefined };
    }
    const device = this.#device();
    device.sockets.add(socket);
    setTimeout(() => {
      if (socket.open) handlers.frame({ type: "ready", device_id: device.id, incarnation: this.relay.incarnation });
    }, 0);
    return {
      send: (command) => void this.way.then(() => setTimeout(() => void this.#execute(socket, command), 0)),
      close: () => this.#drop(socket),
    };
  }

  async #execute(socket: RelaySocket, command: Command): Promise<void> {
    if (!socket.open) return;
    const { request_id } = command;
    let answer: ServerFrame;
    try {
      answer = { type: "accepted", request_id, position: await this.#inTurn(command) };
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      const facts = error.facts as Record<string, string | number | null>; // made by `refuse`
      answer = { type: "refused", request_id, code: error.code, detail: error.detail, facts };
    }
    if (this.relay.loseNextAnswer && command.type !== "mark_delivered") {
      this.relay.loseNextAnswer = false;
      this.#drop(socket);
      return;
    }
    setTimeout(() => {
      if (socket.open) socket.handlers.frame(answer);
    }, 0);
  }

  /** One command at a time, like a server whose conversation is locked meanwhile. */
  #inTurn(command: Command): Promise<number> {
    const turn = this.relay.turn.then(() => this.#position(command));
    this.relay.turn = turn.then(() => undefined, () => undefined); // a refusal is its sender's
    return turn;
  }

  async #position(command: Command): Promise<number> {
    const device = this.#device().id;
    switch (command.type) {
      case "send_message":
        this.relay.lifetimes.set(command.message_id, command.lifetime ?? null);
        return this.relay.sendMessage(device, command.conversation_id, command.message_id, command.ciphertext);
      case "submit_commit":
        return this.relay.submitCommit(device, command.conversation_id, command.message_id, {
          ...command,
          welcome: command.welcome ?? null,
        });
      case "submit_proposal":
        return this.relay.submitProposal(device, command.conversation_id, command.message_id, command.proposal);
      case "mark_delivered":
        return this.relay.markDelivered(device, command.conversation_id, command.position);
      case "send_ephemeral":
        this.relay.passOn(device, command);
        return 0;
    }
  }

  #drop(socket: RelaySocket): void {
    if (!socket.open) return;
    socket.open = false;
    this.#device().sockets.delete(socket);
    setTimeout(() => socket.handlers.closed(1006), 0);
  }

  #device(): RelayDevice {
    return this.relay.devices.get(this.deviceId ?? "") ?? refuse("not_found");
  }

  #network(): void {
    if (!this.isOnline) throw new ProblemError("offline", "The server cannot be reached.");
  }
}
