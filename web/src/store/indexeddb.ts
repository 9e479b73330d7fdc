// The rows in IndexedDB, one database per person.

import { type Change, type DeviceRecord, type Durability, type Row, STORES, type StoreName, type StorePort } from "./port.ts";

/** 2: groups of our own engine, their trees apart. 3: when messages are to go. */
const VERSION = 3;
const BY_SEQUENCE = "by_sequence";
const DEVICE = "device";

function answer<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("IndexedDB refused"));
  });
}

function done(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = () => reject(transaction.error ?? new Error("IndexedDB gave up a transaction"));
    transaction.oncomplete = () => resolve();
    transaction.onabort = fail;
    transaction.onerror = fail;
  });
}

/** Rows of version 1 that are left as they are: who this device is, and whom it knows. */
const KEPT: readonly StoreName[] = ["identity", "people", "pins"];

/** Conversations of version 1 cannot be read any more: they are dropped, and the device stays. */
function createStores(database: IDBDatabase, before: number): void {
  for (const name of before < 2 ? [...database.objectStoreNames] : []) {
    if (name !== DEVICE && !KEPT.some((kept) => kept === name)) database.deleteObjectStore(name);
  }
  for (const name of STORES) {
    if (database.objectStoreNames.contains(name)) continue;
    const store = database.createObjectStore(name, { keyPath: "key" });
    store.createIndex(BY_SEQUENCE, ["conversation", "sequence"]);
  }
  if (!database.objectStoreNames.contains(DEVICE)) database.createObjectStore(DEVICE);
}

export async function openIndexedDb(personId: string): Promise<StorePort> {
  const request = indexedDB.open(`securechat-${personId}`, VERSION);
  request.onupgradeneeded = ({ oldVersion }) => createStores(request.result, oldVersion);
  const database = await answer(request);
  database.onversionchange = () => database.close();
  return new IndexedDbStore(database);
}

class IndexedDbStore implements StorePort {
  readonly #database: IDBDatabase;

  constructor(database: IDBDatabase) {
    this.#database = database;
  }

  get(store: StoreName, key: string): Promise<Row | undefined> {
    return answer(this.#reading(store).get(key) as IDBRequest<Row | undefined>);
  }

  all(store: StoreName): Promise<Row[]> {
    return answer(this.#reading(store).getAll() as IDBRequest<Row[]>);
  }

  newest(store: StoreName, conversation: string, before: number, limit: number): Promise<Row[]> {
    const range = IDBKeyRange.bound([conversation, -Infinity], [conversation, before], false, true);
    return this.#walk(store, range, "prev", limit);
  }

  oldest(store: StoreName, conversation: string, after: number, limit: number): Promise<Row[]> {
    const range = IDBKeyRange.bound([conversation, after], [conversation, Infinity], true, false);
    return this.#walk(store, range, "next", limit);
  }

  #walk(
    store: StoreName,
    range: IDBKeyRange,
    direction: IDBCursorDirection,
    limit: number,
  ): Promise<Row[]> {
    const request = this.#reading(store).index(BY_SEQUENCE).openCursor(range, direction);
    return new Promise((resolve, reject) => {
      const rows: Row[] = [];
      request.onerror = () => reject(request.error ?? new Error("IndexedDB refused"));
      request.onsuccess = () => {
        const cursor = request.result;
        if (cursor === null || rows.length >= limit) return resolve(rows);
        rows.push(cursor.value as Row);
        cursor.continue();
      };
    });
  }

  async apply(changes: readonly Change[], durability: Durability): Promise<void> {
    const stores = [...new Set(changes.map(({ store }) => store))];
    if (stores.length === 0) return;
    const transaction = this.#database.transaction(stores, "readwrite", { durability });
    for (const change of changes) {
      const store = transaction.objectStore(change.store);
      if ("put" in change) store.put(change.put);
      else store.delete(change.remove);
    }
    await done(transaction);
  }

  device(): Promise<DeviceRecord | undefined> {
    const store = this.#database.transaction(DEVICE).objectStore(DEVICE);
    return answer(store.get(DEVICE) as IDBRequest<DeviceRecord | undefined>);
  }

  async saveDevice(record: DeviceRecord): Promise<void> {
    const transaction = this.#database.transaction(DEVICE, "readwrite", { durability: "strict" });
    transaction.objectStore(DEVICE).put(record, DEVICE);
    await done(transaction);
  }

  async clear(): Promise<void> {
    const stores = [...STORES, DEVICE];
    const transaction = this.#database.transaction(stores, "readwrite", { durability: "strict" });
    for (const store of stores) transaction.objectStore(store).clear();
    await done(transaction);
  }

  close(): void {
    this.#database.close();
  }

  #reading(store: StoreName): IDBObjectStore {
    return this.#database.transaction(store).objectStore(store);
  }
}
