// Files on their way down: range by range, each chunk opened and checked as it comes. A lost network
// is waited for, and the next range is asked for where the last one ended.

import { ProblemError } from "../api/http.ts";
import { fromBase64 } from "../bytes.ts";
import type { FileBody } from "../store/records.ts";
import type { Context } from "../worker/context.ts";
import { problemOf } from "../worker/messages.ts";
import type { DownloadView } from "../worker/protocol.ts";
import { FileRefused, Opener, SEALED_CHUNK_BYTES, encryptedSize, importKey } from "./stream.ts";

const RANGE_BYTES = 64 * SEALED_CHUNK_BYTES; // 4 MiB
const PAUSE = 2_000;
const MOST_FAILURES = 60;
const PASSING = ["offline", "time_out", "unexpected_answer", "unavailable", "too_many_transfers"];

export class Downloads {
  readonly #context: Context;
  readonly #told: (download: DownloadView) => void;
  readonly #running = new Map<string, AbortController>();
  readonly #places = new Places(3);

  constructor(context: Context, told: (download: DownloadView) => void) {
    this.#context = context;
    this.#told = told;
  }

  /** Answers at once; how it goes is told, and the file itself at the end. */
  async begin(messageId: string): Promise<void> {
    if (this.#running.has(messageId)) return;
    const message = await this.#context.records.get("messages", messageId);
    if (message?.body.type !== "file") throw new ProblemError("not_found", "There is no such file.");
    const stop = new AbortController();
    this.#running.set(messageId, stop);
    void this.#run(messageId, message.body, stop.signal).finally(() => this.#running.delete(messageId));
  }

  cancel(messageId: string): void {
    this.#running.get(messageId)?.abort();
  }

  async #run(messageId: string, file: FileBody, stop: AbortSignal): Promise<void> {
    try {
      const blob = await this.#places.run(() => this.#file(messageId, file, stop));
      this.#told({ messageId, state: "done", part: 1, file: blob, problem: null });
    } catch (error) {
      const problem = stop.aborted ? null : refusalOf(error);
      this.#told({ messageId, state: "failed", part: 0, file: null, problem });
    }
  }

  async #file(messageId: string, file: FileBody, stop: AbortSignal): Promise<Blob> {
    const expected = { size: file.size, sha256: fromBase64(file.sha256) };
    const opener = new Opener(await importKey(fromBase64(file.key)), expected);
    const size = encryptedSize(file.size);
    let whole = new Blob();
    for (let start = 0; start < size; start += RANGE_BYTES) {
      this.#told({ messageId, state: "running", part: start / size, file: null, problem: null });
      const range = await this.#range(file.attachmentId, start, Math.min(size, start + RANGE_BYTES), stop);
      whole = new Blob([whole, ...(await opener.open(range))]); // the browser keeps it, not our memory
    }
    return new Blob([whole, await opener.end()], { type: "application/octet-stream" });
  }

  async #range(id: string, start: number, stop: number, signal: AbortSignal) {
    for (let failures = 0; ; failures += 1) {
      try {
        const range = await this.#context.server.files.range(id, start, stop, signal);
        if (range.length !== stop - start) throw new FileRefused("of another size than was said");
        return range;
      } catch (error) {
        const isPassing = error instanceof ProblemError && PASSING.includes(error.code);
        const isOver = signal.aborted || this.#context.closed.aborted || failures >= MOST_FAILURES;
        if (!isPassing || isOver) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  }
}

/** So many at a time; the others wait for their turn. */
class Places {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free += 1;
    }
  }
}

function refusalOf(error: unknown) {
  if (!(error instanceof FileRefused)) return problemOf(error);
  return { code: "file_refused", detail: "This is not the file that was sent. Nothing of it was kept." };
}
