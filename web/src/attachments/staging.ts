// Where encrypted files lie while they are uploaded: in the browser's private file system, so that an
// upload goes on after a reload. What lies there is ciphertext; its key is in the sealed store.

import type { Bytes } from "../bytes.ts";
import type { Digest } from "./stream.ts";

export interface Staging {
  /** Writes a file to its end, and returns what its maker returns. A failure leaves nothing. */
  write(name: string, chunks: AsyncGenerator<Bytes, Digest>): Promise<Digest>;
  read(name: string): Promise<Blob | null>;
  remove(name: string): Promise<void>;
  names(): Promise<string[]>;
}

/** Hands on chunk after chunk, and answers what was returned in the end. */
async function each(chunks: AsyncGenerator<Bytes, Digest>, take: (chunk: Bytes) => void): Promise<Digest> {
  for (;;) {
    const next = await chunks.next();
    if (next.done) return next.value;
    take(next.value);
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof DOMException && error.name === "NotFoundError";
}

/** The origin's private file system, a folder for each person. */
export class PrivateFiles implements Staging {
  readonly #folder: FileSystemDirectoryHandle;

  private constructor(folder: FileSystemDirectoryHandle) {
    this.#folder = folder;
  }

  static async open(personId: string): Promise<PrivateFiles> {
    const root = await navigator.storage.getDirectory();
    return new PrivateFiles(await root.getDirectoryHandle(`uploads-${personId}`, { create: true }));
  }

  async write(name: string, chunks: AsyncGenerator<Bytes, Digest>): Promise<Digest> {
    const file = await this.#folder.getFileHandle(name, { create: true });
    const handle = await file.createSyncAccessHandle();
    try {
      handle.truncate(0);
      let at = 0;
      const digest = await each(chunks, (chunk) => {
        at += handle.write(chunk, { at });
      });
      handle.flush();
      handle.close();
      return digest;
    } catch (error) {
      handle.close();
      await this.remove(name);
      throw error;
    }
  }

  async read(name: string): Promise<Blob | null> {
    try {
      return await (await this.#folder.getFileHandle(name)).getFile();
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }

  async remove(name: string): Promise<void> {
    try {
      await this.#folder.removeEntry(name);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }

  async names(): Promise<string[]> {
    const names: string[] = [];
    for await (const name of this.#folder.keys()) names.push(name);
    return names;
  }
}

/** For a browser without private files: parts of a Blob, gone with the Worker. */
export class BlobFiles implements Staging {
  readonly #files = new Map<string, Blob>();

  async write(name: string, chunks: AsyncGenerator<Bytes, Digest>): Promise<Digest> {
    const parts: Bytes[] = [];
    let whole = new Blob();
    const fold = () => {
      whole = new Blob([whole, ...parts.splice(0)]);
    };
    const digest = await each(chunks, (chunk) => {
      if (parts.push(chunk) >= 64) fold();
    });
    fold();
    this.#files.set(name, whole);
    return digest;
  }

  async read(name: string): Promise<Blob | null> {
    return this.#files.get(name) ?? null;
  }

  async remove(name: string): Promise<void> {
    this.#files.delete(name);
  }

  async names(): Promise<string[]> {
    return [...this.#files.keys()];
  }
}

export async function openStaging(personId: string): Promise<Staging> {
  try {
    return await PrivateFiles.open(personId);
  } catch (error) {
    if (error instanceof DOMException || error instanceof TypeError) return new BlobFiles();
    throw error;
  }
}
