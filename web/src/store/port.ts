// Where sealed rows lie: IndexedDB in the browser, a Map in the tests. It sees ids and ciphertext.

import type { Bytes } from "../bytes.ts";

export const STORES = [
  "identity",
  "conversations",
  "groups",
  "trees",
  "messages",
  "due",
  "outbox",
  "uploads",
  "keyPackages",
  "people",
  "pins",
] as const;
export type StoreName = (typeof STORES)[number];

/** `conversation` and `sequence` are what rows can be found by: ids only, never content. */
export interface Row {
  key: string;
  conversation: string;
  sequence: number;
  sealed: Bytes;
}

export type Change =
  | { store: StoreName; put: Row }
  | { store: StoreName; remove: string };

/**
 * `strict`: on the disk when it answers, for what must not be forgotten once something was sent.
 * `relaxed`: a power cut may take it, in order; for what the server can be asked for again.
 */
export type Durability = "strict" | "relaxed";

export interface StorePort {
  get(store: StoreName, key: string): Promise<Row | undefined>;
  all(store: StoreName): Promise<Row[]>;
  /** Rows of one conversation whose sequence is below `before`, highest first. */
  newest(store: StoreName, conversation: string, before: number, limit: number): Promise<Row[]>;
  /** Rows of one conversation whose sequence is above `after`, lowest first. */
  oldest(store: StoreName, conversation: string, after: number, limit: number): Promise<Row[]>;
  /** All of them or none. */
  apply(changes: readonly Change[], durability: Durability): Promise<void>;
  /** The one record outside the vault: it opens the vault, or proves the device. */
  device(): Promise<DeviceRecord | undefined>;
  saveDevice(record: DeviceRecord): Promise<void>;
  /** Forgets every row and the device: the keys of a device that is no more. */
  clear(): Promise<void>;
  close(): void;
}

/** Its keys cannot be exported; the browser keeps them as they are. */
export interface DeviceRecord {
  personId: string;
  deviceId: string;
  /** HKDF input; with the server's unlock share it makes the vault key. */
  localKey: CryptoKey;
  /** Ed25519; proves that a session sits on this device. */
  authenticationKey: CryptoKey;
  /** While a registration has no answer yet: the keys of the device, sealed under `localKey`. */
  registration: Bytes | null;
}
