// What is kept, as the engine sees it: typed records over sealed rows. Changes are gathered in a
// `Unit` and written as one transaction.

import type { Content } from "../wire.ts";
import type { DeliveryState, Problem } from "../worker/protocol.ts";
import type { Change, Durability, Row, StoreName, StorePort } from "./port.ts";
import type { Vault } from "./vault.ts";

/** Bytes inside records are base64. */
export interface IdentityRecord {
  identityPublicKey: string;
  identityPrivateKey: string;
  signaturePublicKey: string;
  signaturePrivateKey: string;
  credential: string;
  /** The server's, when it was last looked at; absent in what older versions have kept. */
  incarnation?: string;
}

export interface MemberRecord {
  personId: string;
  joinedPosition: number;
  deliveredPosition: number;
  /** Not a member any more; what had reached it stays delivered. */
  isGone: boolean;
}

export interface PendingCommit {
  messageId: string;
  commit: string;
  welcome: string | null;
  groupInfo: string;
  /** The group to keep if the commit wins its epoch. */
  next: { secret: string; tree: string };
}

/** The own wish to be removed; it stays until a commit fulfils it. */
export interface PendingLeave {
  messageId: string;
  proposal: string;
}

export interface LastMessage {
  id: string;
  text: string;
  at: string;
  mine: boolean;
}

export interface ConversationRecord {
  id: string;
  kind: "direct" | "group";
  /**
   * `creating`: the server has not answered yet. `joining`: the Welcome has not come yet.
   * `left`: this device is not in the group any more; what it has read stays.
   */
  state: "creating" | "joining" | "open" | "broken" | "left";
  notice: string | null;
  /** Everything up to here is stored. */
  cursor: number;
  createdAt: string;
  activeAt: string;
  name: string | null;
  /** The others, as the group's credentials say; for `joining` as we were told. */
  personIds: string[];
  lastMessage: LastMessage | null;
  unread: number;
  /** The server's word on every member device, and under `device@joined` on how it was in before. */
  members: Record<string, MemberRecord>;
  pendingCommit: PendingCommit | null;
  pendingLeave: PendingLeave | null;
  /** The way back in, on its way to the server; absent in what older versions have kept. */
  pendingRejoin?: PendingCommit | null;
  /** What its person has begun to write; absent in what older versions have kept. */
  draft?: string;
  /** For how many seconds people here want messages to be kept; absent and null: without end. */
  lifetime?: number | null;
  /** For how many seconds the server keeps the messages of this conversation. */
  limit?: number | null;
  /** What could not be applied here, and is still to be told to the server. */
  failure?: { position: number; code: string } | null;
}

/** The private part of a group, written with every message. */
export interface GroupRecord {
  secret: string;
}

/** The public part of a group, written once per epoch. */
export interface TreeRecord {
  tree: string;
}

/** Who came and went by one commit; people, each in one list. */
export interface MembersChanged {
  type: "members";
  added: string[];
  removed: string[];
  left: string[];
  /** The server had their last device here removed. */
  revoked: string[];
  newDevice: string[];
  lostDevice: string[];
}

export type NoticeBody =
  | MembersChanged
  | { type: "named"; name: string; before?: string | null }
  | { type: "lifetime"; lifetime: number | null; before?: number | null }
  | Rejoined
  | { type: "stuck" }
  | StuckElsewhere
  | { type: "expired" }
  | { type: "deleted" }
  | { type: "unreadable" };

/**
 * A device that could not follow took its place again. Who else came or went since it lost the
 * thread is known on that device only.
 */
export interface Rejoined {
  type: "rejoined";
  added: string[];
  removed: string[];
}

/** Other devices say that they could not apply a change: these people's. */
export interface StuckElsewhere {
  type: "stuck_elsewhere";
  devices: Record<string, string>;
}

/** A file that was sent; its bytes stay on the server, and this opens them. */
export interface FileBody {
  type: "file";
  attachmentId: string;
  name: string;
  mediaType: string;
  size: number;
  key: string;
  sha256: string;
}

export type MessageBody = { type: "text"; text: string } | FileBody | NoticeBody;

export interface MessageRecord {
  id: string;
  conversationId: string;
  /** Its place on screen: the position, or beyond all positions while it has none. */
  sequence: number;
  position: number | null;
  senderId: string;
  senderDeviceId: string;
  at: string;
  body: MessageBody;
  /** Of own messages; `delivered` is worked out from the members' positions. */
  delivery: Exclude<DeliveryState, "delivered"> | null;
  problem: Problem | null;
  /** What people feel about it, by person. */
  reactions?: Record<string, string>;
  /** Its sender has changed it. */
  isEdited?: boolean;
  /** The position of the message that it answers. */
  replyTo?: number;
  /** When nothing of it may be left, in milliseconds since 1970; absent: never. */
  dueAt?: number;
  /** What was said about it here and could not be sent: where that waits in the outbox, and why. */
  unsent?: { ids: string[]; problem: Problem };
}

/** Beside a message that is to go. */
export interface DueRecord {
  messageId: string;
  /** The message's conversation. */
  within: string;
  /** Empty, so that one look finds the earliest of all conversations. */
  conversationId: "";
  /** When it is to go. */
  sequence: number;
}

export interface OutboxRecord {
  messageId: string;
  conversationId: string;
  sequence: number;
  content: Content;
  /** Once encrypted the same bytes are sent until the server says they are of a past epoch. */
  ciphertext: string | null;
  failed: boolean;
  /** Once the server has answered; the record stays until the log shows the same bytes there. */
  position: number | null;
}

/** A file on its way up; its ciphertext lies in the staging area under the same id. */
export interface UploadRecord {
  id: string;
  conversationId: string;
  /** Told to the server beforehand, so that it knows which message keeps the file. */
  messageId: string;
  name: string;
  mediaType: string;
  size: number;
  key: string;
  /** Null until all of it is staged. */
  sha256: string | null;
  problem: Problem | null;
}

export interface KeyPackageRecord {
  secret: string;
  lastResort: boolean;
  expiresAt: number;
}

export interface PersonRecord {
  id: string;
  displayName: string;
  fetchedAt: number;
}

export interface PinRecord {
  identityKey: string;
}

export interface RecordOf {
  identity: IdentityRecord;
  conversations: ConversationRecord;
  groups: GroupRecord;
  trees: TreeRecord;
  messages: MessageRecord;
  due: DueRecord;
  outbox: OutboxRecord;
  uploads: UploadRecord;
  keyPackages: KeyPackageRecord;
  people: PersonRecord;
  pins: PinRecord;
}

interface Place {
  conversation: string;
  sequence: number;
}

function placeOf(value: object): Place {
  const { conversationId, sequence } = value as { conversationId?: string; sequence?: number };
  return { conversation: conversationId ?? "", sequence: sequence ?? 0 };
}

/** Sequences of messages without a position come after every position there can be. */
export const UNPLACED = 2 ** 52;

export class Records {
  readonly #port: StorePort;
  readonly #vault: Vault;

  constructor(port: StorePort, vault: Vault) {
    this.#port = port;
    this.#vault = vault;
  }

  async get<S extends StoreName>(store: S, key: string): Promise<RecordOf[S] | undefined> {
    const row = await this.#port.get(store, key);
    return row && this.#open(store, row);
  }

  async all<S extends StoreName>(store: S): Promise<[string, RecordOf[S]][]> {
    const rows = await this.#port.all(store);
    return Promise.all(
      rows.map(async (row): Promise<[string, RecordOf[S]]> => [row.key, await this.#open(store, row)]),
    );
  }

  /** Of one conversation, below a sequence, highest first. */
  async newest<S extends "messages" | "outbox">(
    store: S,
    conversationId: string,
    before: number,
    limit: number,
  ): Promise<RecordOf[S][]> {
    const rows = await this.#port.newest(store, conversationId, before, limit);
    return Promise.all(rows.map((row) => this.#open(store, row)));
  }

  /** Of one conversation, above a sequence, lowest first. */
  async oldest<S extends "messages" | "outbox" | "due">(
    store: S,
    conversationId: string,
    after: number,
    limit: number,
  ): Promise<RecordOf[S][]> {
    const rows = await this.#port.oldest(store, conversationId, after, limit);
    return Promise.all(rows.map((row) => this.#open(store, row)));
  }

  unit(): Unit {
    return new Unit(this.#port, this.#vault);
  }

  async #open<S extends StoreName>(store: S, row: Row): Promise<RecordOf[S]> {
    // What opens under the vault key for this place is what we put there.
    return (await this.#vault.open(store, row.key, row.sealed)) as RecordOf[S];
  }
}

/** Changes that belong together; nothing is written before `commit`. */
export class Unit {
  readonly #port: StorePort;
  readonly #vault: Vault;
  readonly #puts = new Map<string, { store: StoreName; key: string; value: object }>();
  readonly #removals = new Map<string, Change>();

  constructor(port: StorePort, vault: Vault) {
    this.#port = port;
    this.#vault = vault;
  }

  put<S extends StoreName>(store: S, key: string, value: RecordOf[S]): this {
    const name = `${store} ${key}`;
    this.#removals.delete(name);
    this.#puts.set(name, { store, key, value: structuredClone(value) });
    return this;
  }

  remove(store: StoreName, key: string): this {
    const name = `${store} ${key}`;
    this.#puts.delete(name);
    this.#removals.set(name, { store, remove: key });
    return this;
  }

  /** Sealing comes first: a transaction of IndexedDB does not wait for WebCrypto. */
  async commit(durability: Durability = "strict"): Promise<void> {
    const puts = await Promise.all(
      [...this.#puts.values()].map(async ({ store, key, value }): Promise<Change> => {
        const sealed = await this.#vault.seal(store, key, value);
        return { store, put: { key, ...placeOf(value), sealed } };
      }),
    );
    await this.#port.apply([...puts, ...this.#removals.values()], durability);
  }
}
