// The relay's files as docs/protocol.md says: parts at their offset, ranges, nothing for outsiders.

import { ProblemError } from "../src/api/http.ts";
import type { Allowance, FileServer, NewAttachment, UploadState } from "../src/attachments/server.ts";
import { type Bytes, concat } from "../src/bytes.ts";

export interface RelayFile {
  conversationId: string;
  messageId: string;
  uploader: string;
  size: number;
  bytes: Bytes;
}

/** What the files need of the relay as one browser sees it. */
export interface Reach {
  readonly isOnline: boolean;
  readonly deviceId: string | null;
  readonly relay: { readonly files: Map<string, RelayFile> };
  isMember(conversationId: string): boolean;
}

const PART = 100_000;

export class RelayFiles implements FileServer {
  maxBytes = 10_000_000;
  /** For tests: what happens before a part is taken, or a range is given. */
  before: (what: "append" | "range") => void = () => undefined;
  /** For tests: the part is taken, and the answer is lost. */
  loseNextAnswer = false;
  /** For tests: what a hostile server would hand out instead. */
  tamper: (bytes: Bytes) => Bytes = (bytes) => bytes;
  /** For tests: where each part began. */
  readonly offsets: number[] = [];
  readonly #reach: Reach;

  constructor(reach: Reach) {
    this.#reach = reach;
  }

  async allowance(): Promise<Allowance> {
    this.#network();
    return { max_bytes: this.maxBytes, part_size: PART, quota_bytes: 1e9, used_bytes: 0 };
  }

  async begin(conversationId: string, { id, message_id, size }: NewAttachment): Promise<UploadState> {
    this.#network();
    const { relay, deviceId } = this.#reach;
    if (!this.#reach.isMember(conversationId)) throw new ProblemError("not_found", "", 404);
    const file = relay.files.get(id) ?? {
      conversationId,
      messageId: message_id,
      uploader: deviceId ?? "",
      size,
      bytes: new Uint8Array(),
    };
    if (file.messageId !== message_id || file.size !== size) throw new ProblemError("attachment_id_taken", "", 409);
    relay.files.set(id, file);
    return { offset: file.bytes.length, part_size: PART };
  }

  async append(id: string, offset: number, part: Blob, signal: AbortSignal): Promise<void> {
    const bytes = new Uint8Array(await part.arrayBuffer());
    this.before("append");
    if (signal.aborted) throw new ProblemError("offline", "");
    this.#network();
    const file = this.#file(id);
    if (file.uploader !== this.#reach.deviceId) throw new ProblemError("not_found", "", 404);
    if (offset !== file.bytes.length) {
      throw new ProblemError("upload_offset_mismatch", "", 409, { expected_offset: file.bytes.length });
    }
    this.offsets.push(offset);
    file.bytes = concat(file.bytes, bytes);
    if (!this.loseNextAnswer) return;
    this.loseNextAnswer = false;
    throw new ProblemError("time_out", "");
  }

  async remove(id: string): Promise<void> {
    this.#network();
    this.#file(id);
    this.#reach.relay.files.delete(id);
  }

  async range(id: string, start: number, stop: number): Promise<Bytes> {
    this.before("range");
    this.#network();
    const file = this.#file(id);
    if (file.bytes.length < file.size) throw new ProblemError("not_found", "", 404);
    return this.tamper(file.bytes.slice(start, stop));
  }

  #file(id: string): RelayFile {
    const file = this.#reach.relay.files.get(id);
    if (!file || !this.#reach.isMember(file.conversationId)) throw new ProblemError("not_found", "", 404);
    return file;
  }

  #network(): void {
    if (!this.#reach.isOnline) throw new ProblemError("offline", "The server cannot be reached.");
  }
}
