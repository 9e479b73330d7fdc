// Files on their way up: encrypted to the staging area first, then sent part by part, one file at a
// time. What is staged goes on after a reload or a lost network; the message follows the last part.

import { ProblemError, isProblem } from "../api/http.ts";
import { fromBase64, randomBytes, toBase64 } from "../bytes.ts";
import type { UploadRecord } from "../store/records.ts";
import { MAX_FILE_NAME_CHARACTERS, MAX_MEDIA_TYPE_CHARACTERS, type SharedFile } from "../wire.ts";
import type { Context } from "../worker/context.ts";
import { Lock } from "../worker/lock.ts";
import { problemOf } from "../worker/messages.ts";
import type { UploadView } from "../worker/protocol.ts";
import type { Staging } from "./staging.ts";
import { KEY_BYTES, encryptedSize, importKey, sealed } from "./stream.ts";

const PAUSE = 4_000;
const PASSING = ["offline", "time_out", "unexpected_answer", "unavailable", "overloaded", "too_many_transfers"];
const LOST = { code: "file_lost", detail: "The page was closed before the file was read. Choose it again." };
const NAME_REFUSES = /[/\\\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]/gu;
const MEDIA_TYPE = /^[a-z0-9!#$&^_.+-]+\/[a-z0-9!#$&^_.+-]+$/;

export interface UploadsOptions {
  context: Context;
  staging: Staging;
  /** Keeps the message in the outbox, together with what `also` changes. */
  enqueue(record: UploadRecord, content: SharedFile): Promise<void>;
  told(uploads: UploadView[]): void;
}

interface Upload {
  record: UploadRecord;
  state: UploadView["state"];
  /** Of the encrypted file. */
  sent: number;
  stop: AbortController;
}

export class Uploads {
  readonly #options: UploadsOptions;
  readonly #uploads = new Map<string, Upload>();
  readonly #queue = new Lock();

  constructor(options: UploadsOptions) {
    this.#options = options;
  }

  /** What was left from before; what nobody knows of is cleared away. */
  async load(): Promise<void> {
    const { context, staging } = this.#options;
    for (const [id, record] of await context.records.all("uploads")) {
      if (record.sha256 === null && record.problem === null) record.problem = LOST;
      this.#uploads.set(id, uploadOf(record, record.problem === null ? "waiting" : "failed"));
    }
    for (const name of await staging.names()) {
      if (!this.#uploads.has(name)) await staging.remove(name);
    }
  }

  views(): UploadView[] {
    return [...this.#uploads.values()].map(viewOf);
  }

  /** Resolves once the file may go away; the same id again is the same file. */
  async add(conversationId: string, id: string, file: File): Promise<void> {
    const known = this.#uploads.get(id);
    if (known && known.record.problem?.code !== LOST.code) return;
    if (encryptedSize(file.size) > (await this.#limit())) {
      throw new ProblemError("attachment_too_large", "The file is larger than this server takes.");
    }
    const upload = uploadOf(recordOf(conversationId, id, file), "encrypting");
    this.#uploads.set(id, upload);
    await this.#save(upload);
    await this.#stage(upload, file);
    void this.#go(upload);
  }

  /** The connection is there: whatever waits goes on. */
  resume(): void {
    for (const upload of this.#uploads.values()) {
      if (upload.state === "waiting") void this.#go(upload);
    }
  }

  retry(id: string): void {
    const upload = this.#uploads.get(id);
    if (upload?.state !== "failed" || upload.record.sha256 === null) return;
    upload.record.problem = null;
    void this.#go(upload);
  }

  async cancel(id: string): Promise<void> {
    const upload = this.#uploads.get(id);
    if (!upload) return;
    upload.stop.abort();
    await this.#forget(upload);
    const { server } = this.#options.context;
    await server.files.remove(id).catch((error: unknown) => {
      if (!(error instanceof ProblemError)) throw error; // else the server clears it away by itself
    });
  }

  /** Without a connection it is found out later. */
  async #limit(): Promise<number> {
    try {
      return (await this.#options.context.server.files.allowance()).max_bytes;
    } catch (error) {
      if (isPassing(error)) return Infinity;
      throw error;
    }
  }

  async #stage(upload: Upload, file: File): Promise<void> {
    const { record } = upload;
    try {
      const key = await importKey(fromBase64(record.key));
      const digest = await this.#options.staging.write(record.id, sealed(file, key));
      record.size = digest.size;
      record.sha256 = toBase64(digest.sha256);
      await this.#save(upload);
    } catch (error) {
      await this.#forget(upload);
      const isRead = error instanceof DOMException && error.name === "NotReadableError";
      if (isRead) throw new ProblemError("file_unreadable", "The file cannot be read.");
      if (error instanceof DOMException) throw new ProblemError("file_no_room", "There is no room left in this browser.");
      throw error;
    }
  }

  /** One file at a time; a file that waits for the network lets the next one try. */
  #go(upload: Upload): Promise<void> {
    upload.state = "uploading";
    this.#tell();
    return this.#queue.run(async () => {
      if (upload.state !== "uploading" || this.#isOver(upload)) return;
      try {
        await this.#upload(upload);
      } catch (error) {
        if (!this.#isOver(upload)) await this.#failed(upload, error);
      }
    });
  }

  async #upload(upload: Upload): Promise<void> {
    const { context, staging } = this.#options;
    const { id, conversationId, messageId } = upload.record;
    const file = await staging.read(id);
    if (file === null) throw new ProblemError(LOST.code, LOST.detail);
    const attachment = { id, message_id: messageId, size: file.size };
    const state = await context.server.files.begin(conversationId, attachment);
    upload.sent = state.offset;
    while (upload.sent < file.size) {
      this.#tell();
      if (this.#isOver(upload)) return;
      const part = file.slice(upload.sent, upload.sent + state.part_size);
      await this.#append(upload, part);
    }
    await this.#finish(upload);
  }

  async #append(upload: Upload, part: Blob): Promise<void> {
    const { server } = this.#options.context;
    try {
      await server.files.append(upload.record.id, upload.sent, part, upload.stop.signal);
      upload.sent += part.size;
    } catch (error) {
      const expected = isProblem(error, "upload_offset_mismatch") ? error.facts["expected_offset"] : null;
      if (typeof expected !== "number") throw error;
      upload.sent = expected; // the answer to a part was lost
    }
  }

  async #finish(upload: Upload): Promise<void> {
    const { record } = upload;
    await this.#options.enqueue(record, {
      type: "file",
      attachment_id: record.id,
      name: record.name,
      media_type: record.mediaType,
      size: record.size,
      key: record.key,
      sha256: record.sha256 ?? "",
    });
    this.#uploads.delete(record.id);
    await this.#options.staging.remove(record.id);
    this.#tell();
  }

  async #failed(upload: Upload, error: unknown): Promise<void> {
    upload.state = isPassing(error) ? "waiting" : "failed";
    if (isPassing(error)) {
      const timer = setTimeout(() => this.resume(), PAUSE);
      this.#options.context.closed.addEventListener("abort", () => clearTimeout(timer));
    } else {
      upload.record.problem = problemOf(error);
      await this.#save(upload);
    }
    this.#tell();
  }

  #isOver(upload: Upload): boolean {
    return upload.stop.signal.aborted || this.#options.context.closed.aborted;
  }

  async #save(upload: Upload): Promise<void> {
    const { records } = this.#options.context;
    await records.unit().put("uploads", upload.record.id, upload.record).commit();
    this.#tell();
  }

  async #forget(upload: Upload): Promise<void> {
    const { id } = upload.record;
    this.#uploads.delete(id);
    await this.#options.context.records.unit().remove("uploads", id).commit();
    await this.#options.staging.remove(id);
    this.#tell();
  }

  #tell(): void {
    if (!this.#options.context.closed.aborted) this.#options.told(this.views());
  }
}

function isPassing(error: unknown): boolean {
  return error instanceof ProblemError && PASSING.includes(error.code);
}

function uploadOf(record: UploadRecord, state: Upload["state"]): Upload {
  return { record, state, sent: 0, stop: new AbortController() };
}

function recordOf(conversationId: string, id: string, file: File): UploadRecord {
  const type = file.type.toLowerCase();
  const isTold = type.length <= MAX_MEDIA_TYPE_CHARACTERS && MEDIA_TYPE.test(type);
  return {
    id,
    conversationId,
    messageId: crypto.randomUUID(),
    name: nameFor(file.name),
    mediaType: isTold ? type : "application/octet-stream",
    size: file.size,
    key: toBase64(randomBytes(KEY_BYTES)),
    sha256: null,
    problem: null,
  };
}

/** As it is called here, without what others would refuse; its end is kept when it is too long. */
export function nameFor(name: string): string {
  const letters = [...name.replaceAll(NAME_REFUSES, "_")];
  return letters.length === 0 ? "file" : letters.slice(-MAX_FILE_NAME_CHARACTERS).join("");
}

function viewOf({ record, state, sent }: Upload): UploadView {
  const { id, conversationId, name, size, problem, sha256 } = record;
  const part = Math.min(1, sent / encryptedSize(size));
  return { id, conversationId, name, size, state, part, problem, canRetry: sha256 !== null };
}
