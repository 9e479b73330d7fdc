// A server in memory that behaves as docs/protocol.md says: one log per conversation, one commit per
// epoch, idempotent ids, key packages handed out once. It reads no secret.

import {
  decode,
  defaultProposalTypes,
  makeKeyPackageRef,
  getCiphersuiteImpl,
  mlsMessageDecoder,
  wireformats,
  type MlsMessage,
} from "ts-mls";
import { ProblemError } from "../src/api/http.ts";
import { bytesToUuid, fromBase64, randomBytes, toBase64 } from "../src/bytes.ts";
import { parseCredential } from "../src/identity.ts";
import type { Command, ServerFrame } from "../src/wire.ts";
import type {
  BoundDevice,
  ConversationInfo,
  Entry,
  NewConversation,
  NewDevice,
  PersonInfo,
  Server,
  Socket,
  SocketHandlers,
  WelcomeInfo,
} from "../src/worker/server.ts";

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
}

interface RelaySocket {
  handlers: SocketHandlers;
  open: boolean;
}

function refuse(code: string, facts: Record<string, unknown> = {}): never {
  throw new ProblemError(code, code, code === "not_found" ? 404 : 409, facts);
}

function parse(base64: string): MlsMessage {
  const message = decode(mlsMessageDecoder, fromBase64(base64));
  return message ?? refuse("message_invalid");
}

function placeOf(message: MlsMessage): { groupId: string; epoch: number } {
  switch (message.wireformat) {
    case wireformats.mls_private_message:
      return {
        groupId: bytesToUuid(message.privateMessage.groupId),
        epoch: Number(message.privateMessage.epoch),
      };
    case wireformats.mls_public_message:
      return {
        groupId: bytesToUuid(message.publicMessage.content.groupId),
        epoch: Number(message.publicMessage.content.epoch),
      };
    default:
      return refuse("message_invalid");
  }
}

function addedBy(message: MlsMessage): string[] {
  if (message.wireformat !== wireformats.mls_public_message) return refuse("commit_invalid");
  const { content } = message.publicMessage;
  if (!("commit" in content)) return refuse("commit_invalid");
  return content.commit.proposals.map((item) => {
    if (!("proposal" in item) || item.proposal.proposalType !== defaultProposalTypes.add) {
      return refuse("proposal_not_supported");
    }
    if (!("add" in item.proposal)) return refuse("proposal_not_supported");
    const { credential } = item.proposal.add.keyPackage.leafNode;
    return "identity" in credential ? parseCredential(credential.identity).deviceId : refuse("commit_invalid");
  });
}

export class Relay {
  readonly devices = new Map<string, RelayDevice>();
  readonly conversations = new Map<string, RelayConversation>();
  readonly names = new Map<string, string>();
  /** For tests: what a hostile server would hand out instead. */
  tamper: (entry: Entry) => Entry = (entry) => entry;
  /** For tests: the answer to the next accepted command is lost with its socket. */
  loseNextAnswer = false;

  addPerson(id: string, name: string): void {
    this.names.set(id, name);
  }

  serverFor(personId: string): RelayServer {
    return new RelayServer(this, personId);
  }

  conversation(id: string): RelayConversation {
    return this.conversations.get(id) ?? refuse("not_found");
  }

  memberOf(conversation: RelayConversation, deviceId: string) {
    return conversation.info.members.find(({ device_id }) => device_id === deviceId) ?? refuse("not_found");
  }

  append(id: string, deviceId: string, kind: Entry["kind"], messageId: string, data: string): Entry {
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

  sendMessage(deviceId: string, id: string, messageId: string, ciphertext: string): number {
    const conversation = this.conversation(id);
    this.memberOf(conversation, deviceId);
    const before = this.repeated(id, deviceId, messageId, ciphertext);
    if (before !== null) return before;
    const { groupId, epoch } = placeOf(parse(ciphertext));
    if (groupId !== id) refuse("message_invalid");
    if (epoch !== conversation.info.epoch) refuse("stale_epoch", { epoch: conversation.info.epoch });
    const entry = this.append(id, deviceId, "message", messageId, ciphertext);
    this.tell(id, { type: "entry_appended", ...this.tamper(entry) });
    return entry.position;
  }

  submitCommit(deviceId: string, id: string, messageId: string, commit: string, welcome: string | null): number {
    const conversation = this.conversation(id);
    const { info } = conversation;
    this.memberOf(conversation, deviceId);
    const before = this.repeated(id, deviceId, messageId, commit);
    if (before !== null) return before;
    const message = parse(commit);
    const { groupId, epoch } = placeOf(message);
    if (groupId !== id) refuse("commit_invalid");
    if (epoch !== info.epoch) refuse("stale_epoch", { epoch: info.epoch });
    const added = addedBy(message).map((device) => this.devices.get(device) ?? refuse("commit_invalid"));
    if (added.some((device) => info.members.some(({ device_id }) => device_id === device.id))) {
      refuse("already_member");
    }
    if (added.length > 0 && welcome === null) refuse("welcome_missing");
    const entry = this.append(id, deviceId, "commit", messageId, commit);
    this.tell(id, { type: "entry_appended", ...this.tamper(entry) });
    info.epoch += 1;
    for (const device of added) this.welcome(conversation, device, entry.position, welcome ?? "");
    return entry.position;
  }

  welcome(conversation: RelayConversation, device: RelayDevice, position: number, welcome: string): void {
    const { info, personIds } = conversation;
    info.members.push({
      device_id: device.id,
      person_id: device.personId,
      joined_position: position,
      delivered_position: position,
    });
    personIds.add(device.personId);
    const waiting = {
      welcome_id: crypto.randomUUID(),
      conversation_id: info.id,
      position,
      epoch: info.epoch,
      welcome,
    };
    device.welcomes.push(waiting);
    this.tellDevice(device.id, { type: "welcome_arrived", ...waiting });
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

  async claimKeyPackages(personId: string) {
    this.#network();
    const devices = [...this.relay.devices.values()].filter((device) => device.personId === personId);
    if (devices.length === 0) refuse("no_key_package");
    return devices.map((device) => ({
      device_id: device.id,
      key_package: device.keyPackages.shift() ?? device.lastResort ?? refuse("no_key_package"),
    }));
  }

  async createConversation({ id, kind, person_id }: NewConversation): Promise<ConversationInfo> {
    this.#network();
    const device = this.#device();
    const existing = this.relay.conversations.get(id);
    if (existing) return structuredClone(existing.info);
    const pair = new Set([this.personId, person_id ?? ""]);
    for (const { info, personIds } of this.relay.conversations.values()) {
      if (kind === "direct" && info.kind === "direct" && [...pair].every((person) => personIds.has(person))) {
        refuse("direct_conversation_exists", { conversation_id: info.id });
      }
    }
    const info: ConversationInfo = {
      id,
      kind,
      cipher_suite: 1,
      epoch: 0,
      last_position: 0,
      created_at: new Date().toISOString(),
      person_id,
      members: [{ device_id: device.id, person_id: this.personId, joined_position: 0, delivered_position: 0 }],
    };
    const personIds = kind === "direct" ? pair : new Set([this.personId]);
    this.relay.conversations.set(id, { info, personIds, log: [] });
    return structuredClone(info);
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
    const { info, log } = this.relay.conversation(id);
    const { joined_position } = this.relay.memberOf(this.relay.conversation(id), this.#device().id);
    const visible = log.filter(({ position }) => position > after && position >= joined_position);
    return {
      entries: structuredClone(visible.slice(0, 200).map((entry) => this.relay.tamper(entry))),
      last_position: info.last_position,
    };
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
    const socket: RelaySocket = { handlers, open: this.isOnline };
    if (!this.isOnline) {
      setTimeout(() => handlers.closed(1006), 0);
      return { send: () => undefined, close: () => undefined };
    }
    const device = this.#device();
    device.sockets.add(socket);
    setTimeout(() => {
      if (socket.open) handlers.frame({ type: "ready", device_id: device.id });
    }, 0);
    return {
      send: (command) => void this.way.then(() => setTimeout(() => this.#execute(socket, command), 0)),
      close: () => this.#drop(socket),
    };
  }

  #execute(socket: RelaySocket, command: Command): void {
    if (!socket.open) return;
    const { request_id } = command;
    let answer: ServerFrame;
    try {
      answer = { type: "accepted", request_id, position: this.#position(command) };
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

  #position(command: Command): number {
    const device = this.#device().id;
    switch (command.type) {
      case "send_message":
        return this.relay.sendMessage(device, command.conversation_id, command.message_id, command.ciphertext);
      case "submit_commit":
        return this.relay.submitCommit(
          device,
          command.conversation_id,
          command.message_id,
          command.commit,
          command.welcome ?? null,
        );
      case "mark_delivered":
        return this.relay.markDelivered(device, command.conversation_id, command.position);
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

export async function referenceOf(published: string): Promise<string> {
  const suite = await getCiphersuiteImpl("MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519");
  const message = parse(published);
  if (message.wireformat !== wireformats.mls_key_package) throw new Error("not a key package");
  return toBase64(await makeKeyPackageRef(message.keyPackage, suite.hash));
}
