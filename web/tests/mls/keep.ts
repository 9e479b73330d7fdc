// One row in IndexedDB, written as the product writes a conversation's state before it sends.

import type { Bytes } from "../../src/bytes.ts";
import type { Keep } from "./measure.ts";

const STORE = "states";

export async function openKeep(name: string): Promise<Keep> {
  const request = indexedDB.open(name, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE);
  const database = await new Promise<IDBDatabase>((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("there is no IndexedDB"));
  });
  return (bytes: Bytes) =>
    new Promise((resolve, reject) => {
      const transaction = database.transaction(STORE, "readwrite", { durability: "strict" });
      transaction.objectStore(STORE).put(bytes, "state");
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error ?? new Error("nothing was kept"));
    });
}
