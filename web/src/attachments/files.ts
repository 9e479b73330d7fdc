// The engine's part for files: what pages may ask, handed to uploads and downloads.

import { ProblemError } from "../api/http.ts";
import type { UploadRecord } from "../store/records.ts";
import type { SharedFile } from "../wire.ts";
import type { Context } from "../worker/context.ts";
import type { Conversation } from "../worker/conversation.ts";
import { enqueue } from "../worker/outbox.ts";
import type { Notification, UploadView } from "../worker/protocol.ts";
import { Downloads } from "./downloads.ts";
import type { Staging } from "./staging.ts";
import { CHUNK_BYTES, TAG_BYTES } from "./stream.ts";
import { Uploads } from "./uploads.ts";

export interface FilesOptions {
  context: Context;
  staging: Staging;
  notify(notification: Notification): void;
}

export class Files {
  readonly #options: FilesOptions;
  readonly #uploads: Uploads;
  readonly #downloads: Downloads;

  constructor(options: FilesOptions) {
    const { context, staging, notify } = options;
    this.#options = options;
    this.#uploads = new Uploads({
      context,
      staging,
      enqueue: (record, content) => this.#enqueue(record, content),
      told: (uploads) => notify({ type: "uploads", uploads }),
    });
    this.#downloads = new Downloads(context, (download) => {
      if (!context.closed.aborted) notify({ type: "download", download });
    });
  }

  load(): Promise<void> {
    return this.#uploads.load();
  }

  /** The connection is there. */
  resume(): void {
    this.#uploads.resume();
  }

  /** How large a file may be before it is encrypted. */
  async limit(): Promise<{ maxBytes: number }> {
    const { max_bytes } = await this.#options.context.server.files.allowance();
    const chunks = Math.ceil(max_bytes / (CHUNK_BYTES + TAG_BYTES));
    return { maxBytes: Math.max(0, max_bytes - chunks * TAG_BYTES) };
  }

  async send(conversation: Conversation, file: File, id: string): Promise<{ uploadId: string }> {
    await this.#uploads.add(conversation.id, id, file);
    return { uploadId: id };
  }

  uploads(): UploadView[] {
    return this.#uploads.views();
  }

  async retry(uploadId: string): Promise<null> {
    this.#uploads.retry(uploadId);
    return null;
  }

  async cancel(uploadId: string): Promise<null> {
    await this.#uploads.cancel(uploadId);
    return null;
  }

  async download(messageId: string): Promise<null> {
    await this.#downloads.begin(messageId);
    return null;
  }

  async cancelDownload(messageId: string): Promise<null> {
    this.#downloads.cancel(messageId);
    return null;
  }

  async #enqueue(record: UploadRecord, content: SharedFile): Promise<void> {
    const { context } = this.#options;
    const conversation = context.conversations.get(record.conversationId);
    if (!conversation?.isOpen) throw new ProblemError("not_a_member", "You cannot write here any more.");
    await enqueue(context, conversation, record.messageId, content, (unit) => unit.remove("uploads", record.id));
    context.flush(conversation);
  }
}
