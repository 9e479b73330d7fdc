// What is asked of the server for files (docs/protocol.md, "Files"), and the one implementation over
// HTTP. Calls reject with `ProblemError`.

import type { Http } from "../api/http.ts";
import type { Bytes } from "../bytes.ts";

export interface Allowance {
  max_bytes: number;
  part_size: number;
  quota_bytes: number;
  used_bytes: number;
}

export interface NewAttachment {
  id: string;
  message_id: string;
  /** Of the encrypted file. */
  size: number;
}

/** How far an upload has come. */
export interface UploadState {
  offset: number;
  part_size: number;
}

export interface FileServer {
  allowance(): Promise<Allowance>;
  /** The same again is answered with how far it has come. */
  begin(conversationId: string, attachment: NewAttachment): Promise<UploadState>;
  append(id: string, offset: number, part: Blob, signal: AbortSignal): Promise<void>;
  remove(id: string): Promise<void>;
  /** The bytes from `start` to before `stop`. */
  range(id: string, start: number, stop: number, signal: AbortSignal): Promise<Bytes>;
}

const PART_TYPE = "application/partial-upload";
const PATIENCE = 240_000; // a part on a slow line

export class HttpFileServer implements FileServer {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  allowance(): Promise<Allowance> {
    return this.#http.get("/api/v1/attachments");
  }

  begin(conversationId: string, attachment: NewAttachment): Promise<UploadState> {
    const path = `/api/v1/conversations/${encodeURIComponent(conversationId)}/attachments`;
    return this.#http.post(path, attachment);
  }

  async append(id: string, offset: number, part: Blob, signal: AbortSignal): Promise<void> {
    const body = part.slice(0, part.size, PART_TYPE); // its type becomes the Content-Type
    const headers = { "Upload-Offset": String(offset) };
    await this.#http.patch(addressOf(id), body, { headers, signal, timeout: PATIENCE });
  }

  async remove(id: string): Promise<void> {
    await this.#http.delete(addressOf(id));
  }

  range(id: string, start: number, stop: number, signal: AbortSignal): Promise<Bytes> {
    const headers = { Range: `bytes=${start}-${stop - 1}` };
    return this.#http.bytes(`${addressOf(id)}/content`, { headers, signal, timeout: PATIENCE });
  }
}

function addressOf(id: string): string {
  return `/api/v1/attachments/${encodeURIComponent(id)}`;
}
