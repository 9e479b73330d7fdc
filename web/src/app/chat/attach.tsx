// Choosing files for a conversation: by button, by dropping them, by pasting; and the list of those
// that are chosen or on their way.

import { useEffect, useRef, useState } from "preact/hooks";

import type { UploadView } from "../../worker/protocol.ts";
import { Icon } from "../parts/icon.tsx";
import { sentenceFor } from "../problems.ts";
import { useShell } from "../shell.ts";
import { sizeText } from "../sizes.ts";
import { words } from "../words.ts";
import { type Transfers, transfersOf } from "./transfers.ts";

export interface Chosen {
  readonly key: number;
  readonly file: File;
}

/** What was chosen in other conversations, until the page is closed. */
const kept = new Map<string, readonly Chosen[]>();
let lastKey = 0;

export interface ChosenFiles {
  readonly list: readonly Chosen[];
  /** Whether one of them is larger than the server takes. */
  readonly tooLarge: boolean;
  isTooLarge(file: File): boolean;
  add(files: Iterable<File>): void;
  remove(key: number): void;
  /** Starts to send them all; those that cannot be sent come back. */
  send(): Promise<void>;
}

export function useChosenFiles(conversationId: string): ChosenFiles {
  const shell = useShell();
  const transfers = transfersOf(shell.engine);
  const [list, setList] = useState<readonly Chosen[]>(() => kept.get(conversationId) ?? []);
  const latest = useRef(list);
  const set = (next: readonly Chosen[]) => {
    latest.current = next;
    kept.set(conversationId, next);
    setList(next);
  };
  useEffect(() => shell.inBackground(transfers.refresh()), []);

  const maxBytes = transfers.maxBytes.value;
  const isTooLarge = (file: File) => maxBytes !== null && file.size > maxBytes;
  const add = (files: Iterable<File>) => {
    const added = [...files].map((file) => ({ key: (lastKey += 1), file }));
    if (added.length === 0) return;
    set([...latest.current, ...added]);
    shell.announce(words.files.chosen(added.map(({ file }) => file.name).join(", ")));
  };
  const sendOne = async (chosen: Chosen) => {
    try {
      await shell.withKnownKeys(() =>
        shell.engine.call("sendFile", { conversationId, file: chosen.file }),
      );
    } catch (error) {
      set([...latest.current, chosen]);
      throw error;
    }
  };
  return {
    list,
    tooLarge: list.some(({ file }) => isTooLarge(file)),
    isTooLarge,
    add,
    remove: (key) => set(latest.current.filter((chosen) => chosen.key !== key)),
    send: async () => {
      const going = latest.current;
      set([]);
      const results = await Promise.allSettled(going.map(sendOne));
      const failed = results.find((result) => result.status === "rejected");
      if (failed) throw failed.reason;
    },
  };
}

interface AttachButtonProps {
  disabled: boolean;
  onFiles: (files: Iterable<File>) => void;
}

export function AttachButton({ disabled, onFiles }: AttachButtonProps) {
  const transfers = transfersOf(useShell().engine);
  const input = useRef<HTMLInputElement>(null);
  const maxBytes = transfers.maxBytes.value;
  const limit = maxBytes === null ? "" : words.files.limit(sizeText(maxBytes));
  const choose = () => {
    const { current } = input;
    if (current?.files) onFiles(current.files);
    if (current) current.value = ""; // so that the same file can be chosen again
  };

  return (
    <>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        tabIndex={-1}
        aria-hidden="true"
        data-testid="file-input"
        onChange={choose}
      />
      <button
        type="button"
        class="attach"
        aria-label={`${words.files.attach}. ${limit}`}
        title={limit}
        disabled={disabled}
        data-testid="attach"
        onClick={() => input.current?.click()}
      >
        <Icon name="attach" />
      </button>
    </>
  );
}

/** Anywhere on the page: whoever misses must not lose the page to the file. Answers whether one hovers. */
export function useDroppedFiles(enabled: boolean, onFiles: (files: Iterable<File>) => void): boolean {
  const [isOver, setOver] = useState(false);
  const take = useRef(onFiles);
  take.current = onFiles;
  useEffect(() => {
    const hasFiles = (data: DataTransfer | null) => data?.types.includes("Files") === true;
    const over = (event: DragEvent) => {
      if (!hasFiles(event.dataTransfer)) return;
      event.preventDefault();
      setOver(enabled);
    };
    const leave = (event: DragEvent) => void (event.relatedTarget === null && setOver(false));
    const drop = (event: DragEvent) => {
      setOver(false);
      if (!hasFiles(event.dataTransfer)) return;
      event.preventDefault();
      if (enabled) take.current(event.dataTransfer?.files ?? []);
    };
    const paste = (event: ClipboardEvent) => {
      const files = event.clipboardData?.files ?? [];
      const hasText = event.clipboardData?.types.includes("text/plain") === true; // with its own picture
      if (!enabled || files.length === 0 || hasText) return;
      event.preventDefault();
      take.current(files);
    };
    const ends = new AbortController();
    const options = { signal: ends.signal };
    document.addEventListener("dragover", over, options);
    document.addEventListener("dragleave", leave, options);
    document.addEventListener("drop", drop, options);
    document.addEventListener("paste", paste, options);
    return () => ends.abort();
  }, [enabled]);
  return isOver;
}

/** Nothing while there is nothing. */
export function FileTray({ conversationId, chosen }: { conversationId: string; chosen: ChosenFiles }) {
  const transfers = transfersOf(useShell().engine);
  const uploads = transfers.uploads.value.filter((upload) => upload.conversationId === conversationId);
  if (chosen.list.length === 0 && uploads.length === 0) return null;
  return (
    <ul class="file-tray" aria-label={words.files.list} data-testid="file-tray">
      {uploads.map((upload) => (
        <UploadRow key={upload.id} upload={upload} />
      ))}
      {chosen.list.map(({ key, file }) => (
        <li key={key} class={chosen.isTooLarge(file) ? "file-row failed" : "file-row"} data-testid="chosen-file">
          <Icon name="file" />
          <span class="file-name">{file.name}</span>
          <span class="file-fact">
            {sizeText(file.size)}
            {chosen.isTooLarge(file) && `: ${tooLargeText(transfers)}`}
          </span>
          <RowButton icon="close" label={words.files.remove(file.name)} onClick={() => chosen.remove(key)} />
        </li>
      ))}
    </ul>
  );
}

function tooLargeText(transfers: Transfers): string {
  return words.files.tooLarge(sizeText(transfers.maxBytes.value ?? 0));
}

function UploadRow({ upload }: { upload: UploadView }) {
  const shell = useShell();
  const { id: uploadId, name, size, state, part, problem } = upload;
  const percent = Math.floor(part * 100);
  const retry = () => shell.inBackground(shell.engine.call("retryUpload", { uploadId }));
  const cancel = () => shell.inBackground(shell.engine.call("cancelUpload", { uploadId }));
  const isFailed = state === "failed";
  return (
    <li class={isFailed ? "file-row failed" : "file-row"} data-testid="upload" data-state={state}>
      <Icon name="file" />
      <span class="file-name">{name}</span>
      <span class="file-fact" role={isFailed ? "alert" : undefined}>
        {sizeText(size)}
        {": "}
        {isFailed && problem !== null ? sentenceFor(problem) : words.files.states[state]}
        {state === "uploading" && ` ${percent} %`}
      </span>
      {isFailed && upload.canRetry && (
        <RowButton icon="refresh" label={words.files.retry(name)} testid="upload-retry" onClick={retry} />
      )}
      <RowButton icon="close" label={words.files.cancel(name)} testid="upload-cancel" onClick={cancel} />
      <Bar part={part} label={name} />
    </li>
  );
}

export function Bar({ part, label }: { part: number; label: string }) {
  return <progress class="file-bar" max={1} value={part} aria-label={label} />;
}

interface RowButtonProps {
  icon: "close" | "refresh";
  label: string;
  testid?: string;
  onClick: () => void;
}

function RowButton({ icon, label, testid, onClick }: RowButtonProps) {
  return (
    <button type="button" class="file-button" aria-label={label} title={label} data-testid={testid} onClick={onClick}>
      <Icon name={icon} />
    </button>
  );
}
