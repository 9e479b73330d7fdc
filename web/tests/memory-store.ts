// The store's port over Maps. Like IndexedDB it keeps copies and applies changes all at once.

import { type Change, type DeviceRecord, type Row, STORES, type StoreName, type StorePort } from "../src/store/port.ts";

export class MemoryStore implements StorePort {
  readonly rows = new Map<StoreName, Map<string, Row>>(STORES.map((name) => [name, new Map()]));
  #device: DeviceRecord | undefined;

  async get(store: StoreName, key: string): Promise<Row | undefined> {
    const row = this.#of(store).get(key);
    return row && structuredClone(row);
  }

  async all(store: StoreName): Promise<Row[]> {
    return structuredClone([...this.#of(store).values()]);
  }

  async newest(store: StoreName, conversation: string, before: number, limit: number): Promise<Row[]> {
    const rows = [...this.#of(store).values()]
      .filter((row) => row.conversation === conversation && row.sequence < before)
      .sort((one, other) => other.sequence - one.sequence);
    return structuredClone(rows.slice(0, limit));
  }

  async oldest(store: StoreName, conversation: string, after: number, limit: number): Promise<Row[]> {
    const rows = [...this.#of(store).values()]
      .filter((row) => row.conversation === conversation && row.sequence > after)
      .sort((one, other) => one.sequence - other.sequence);
    return structuredClone(rows.slice(0, limit));
  }

  async apply(changes: readonly Change[]): Promise<void> {
    for (const change of structuredClone(changes)) {
      if ("put" in change) this.#of(change.store).set(change.put.key, change.put);
      else this.#of(change.store).delete(change.remove);
    }
  }

  async device(): Promise<DeviceRecord | undefined> {
    return this.#device && { ...this.#device };
  }

  async saveDevice(record: DeviceRecord): Promise<void> {
    this.#device = { ...record };
  }

  async clear(): Promise<void> {
    for (const rows of this.rows.values()) rows.clear();
    this.#device = undefined;
  }

  close(): void {
    // the rows stay for whoever opens them next
  }

  #of(store: StoreName): Map<string, Row> {
    const rows = this.rows.get(store);
    if (!rows) throw new Error(`no store ${store}`);
    return rows;
  }
}
