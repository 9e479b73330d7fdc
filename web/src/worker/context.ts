// What the engine's parts share while it is open for one device of one person.

import type { MlsEngine } from "../mls-engine.ts";
import type { MessageRecord, Records } from "../store/records.ts";
import type { Connection } from "./connection.ts";
import type { Conversation } from "./conversation.ts";
import type { Lock } from "./lock.ts";
import type { People } from "./people.ts";
import type { Server } from "./server.ts";
import type { Trust } from "./trust.ts";

export interface Me {
  readonly personId: string;
  readonly deviceId: string;
}

export interface Context {
  readonly me: Me;
  readonly mls: MlsEngine;
  readonly trust: Trust;
  readonly records: Records;
  readonly server: Server;
  readonly connection: Connection;
  readonly people: People;
  readonly conversations: Map<string, Conversation>;
  /** Whatever changes stored state holds it; waiting for the server is done without it. */
  readonly lock: Lock;
  /** Milliseconds since 1970. */
  now(): number;
  /** Tell the pages: these messages of a conversation are new or changed. */
  changed(conversationId: string, messageIds: readonly string[]): void;
  /** Tell the pages: something of the snapshot changed. */
  refresh(): void;
  /** Stored up to here: the server may know (soon, and not once per message). */
  markDelivered(conversation: Conversation): void;
  /** The member list of the server's record has changed. */
  refreshMembers(conversation: Conversation): void;
  /** What could not be applied here is to be told to the server. */
  reportFailure(conversation: Conversation): void;
  /** For how many seconds the organisation keeps messages; null: without end. */
  readonly organisationLimit: number | null;
  /** The message is stored, and may have an end. */
  goes(message: MessageRecord): void;
  /** Send what waits in the conversation. */
  flush(conversation: Conversation): void;
  /** Somebody is to be removed: commit it after a moment, unless another device did. */
  commitSoon(conversation: Conversation): void;
  /** The engine was closed; nothing more is to be started. */
  readonly closed: AbortSignal;
}
