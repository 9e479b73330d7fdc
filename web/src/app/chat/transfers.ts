// Files on their way, as the pages know them: what the engine last told, and what to do with a file
// once it is here.

import { signal } from "@preact/signals";

import type { DownloadView, Engine, Notification, UploadView } from "../../worker/protocol.ts";
import { codeOf } from "../problems.ts";

const MOST_KEPT = 30;
const REVOKE_AFTER = 60_000;

export class Transfers {
  readonly uploads = signal<readonly UploadView[]>([]);
  readonly downloads = signal<ReadonlyMap<string, DownloadView>>(new Map());
  /** How large a file may be; null until the server has said it. */
  readonly maxBytes = signal<number | null>(null);
  readonly #engine: Engine;
  /** Messages whose file is to be saved under this name once it is here. */
  readonly #toSave = new Map<string, string>();

  constructor(engine: Engine) {
    this.#engine = engine;
    engine.subscribe((notification) => this.#hear(notification));
  }

  /** What was on its way before this page came, and what may be sent. */
  async refresh(): Promise<void> {
    this.uploads.value = await this.#engine.call("uploads", {});
    if (this.maxBytes.value !== null) return;
    try {
      this.maxBytes.value = (await this.#engine.call("fileLimit", {})).maxBytes;
    } catch (error) {
      if (codeOf(error) !== "offline") throw error; // else asked again by the next conversation
    }
  }

  async show(messageId: string): Promise<void> {
    const known = this.downloads.value.get(messageId);
    if (known === undefined) await this.#engine.call("download", { messageId });
  }

  async save(messageId: string, name: string): Promise<void> {
    const file = this.downloads.value.get(messageId)?.file;
    if (file) return saveAs(file, name);
    this.#toSave.set(messageId, name);
    await this.#engine.call("download", { messageId });
  }

  async cancel(messageId: string): Promise<void> {
    this.#toSave.delete(messageId);
    await this.#engine.call("cancelDownload", { messageId });
  }

  #hear(notification: Notification): void {
    if (notification.type === "uploads") this.uploads.value = notification.uploads;
    if (notification.type === "download") this.#heardOf(notification.download);
    if (notification.type === "messages") {
      this.#forget(notification.messages.filter(({ kind }) => kind === "notice").map(({ id }) => id)); // deleted ones
    }
    if (notification.type === "gone") this.#forget(notification.messageIds);
  }

  #forget(messageIds: readonly string[]): void {
    const downloads = new Map(this.downloads.value);
    for (const id of messageIds) {
      downloads.delete(id);
      this.#toSave.delete(id);
    }
    if (downloads.size < this.downloads.value.size) this.downloads.value = downloads;
  }

  #heardOf(download: DownloadView): void {
    const { messageId } = download;
    const downloads = new Map(this.downloads.value);
    downloads.delete(messageId);
    downloads.set(messageId, download);
    const [oldest] = downloads.keys();
    if (downloads.size > MOST_KEPT && oldest !== undefined) downloads.delete(oldest);
    this.downloads.value = downloads;
    const name = this.#toSave.get(messageId);
    if (download.state !== "running") this.#toSave.delete(messageId);
    if (download.file && name !== undefined) saveAs(download.file, name);
  }
}

/** Never opened here: the browser puts it where people keep their files. */
function saveAs(file: Blob, name: string): void {
  const address = URL.createObjectURL(file);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), REVOKE_AFTER);
}

const MADE = new WeakMap<Engine, Transfers>();

/** One for each engine, so that a conversation that is opened again finds what it knew. */
export function transfersOf(engine: Engine): Transfers {
  const known = MADE.get(engine);
  if (known) return known;
  const transfers = new Transfers(engine);
  MADE.set(engine, transfers);
  return transfers;
}
