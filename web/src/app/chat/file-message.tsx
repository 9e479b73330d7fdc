// A file in a message: its name and size, the way to save it, and a preview of what is a picture.

import { useEffect, useRef, useState } from "preact/hooks";

import { HEADER_BYTES, pictureIn } from "../../attachments/pictures.ts";
import type { FileView } from "../../worker/protocol.ts";
import { Icon } from "../parts/icon.tsx";
import { sentenceFor } from "../problems.ts";
import { useShell } from "../shell.ts";
import { sizeText } from "../sizes.ts";
import { words } from "../words.ts";
import { Bar } from "./attach.tsx";
import { transfersOf } from "./transfers.ts";

/** Larger ones are shown once somebody has saved them. */
const SHOWN_BY_ITSELF = 8_000_000;
const WIDEST = 440;
const HIGHEST = 320;
const PICTURES = ["image/png", "image/jpeg", "image/gif", "image/webp"];

export function FileMessage({ messageId, file }: { messageId: string; file: FileView }) {
  const shell = useShell();
  const transfers = transfersOf(shell.engine);
  const place = useRef<HTMLDivElement>(null);
  const download = transfers.downloads.value.get(messageId);
  const isPicture = PICTURES.includes(file.mediaType);
  useSeen(place, () => {
    if (isPicture && file.size <= SHOWN_BY_ITSELF) shell.inBackground(transfers.show(messageId));
  });
  const isRunning = download?.state === "running";
  const save = () => shell.inBackground(transfers.save(messageId, file.name));
  const cancel = () => shell.inBackground(transfers.cancel(messageId));

  return (
    <div class="file-message" ref={place} data-testid="file-message" data-state={download?.state ?? "there"}>
      {isPicture && download?.file && <Preview file={download.file} name={file.name} />}
      <div class="file-line">
        <Icon name="file" />
        <span class="file-about">
          <span class="file-name" data-testid="message-text">
            {file.name}
          </span>
          <span class="file-fact">{sizeText(file.size)}</span>
        </span>
        <button
          type="button"
          class="file-button"
          aria-label={isRunning ? words.files.cancel(file.name) : words.files.save(file.name)}
          title={isRunning ? words.files.cancel(file.name) : words.files.save(file.name)}
          data-testid={isRunning ? "download-cancel" : "download"}
          onClick={isRunning ? cancel : save}
        >
          <Icon name={isRunning ? "close" : "download"} />
        </button>
      </div>
      {isRunning && <Bar part={download.part} label={words.files.loading(file.name)} />}
      {download?.state === "failed" && download.problem !== null && (
        <p class="file-problem" role="alert">
          {sentenceFor(download.problem)}
        </p>
      )}
    </div>
  );
}

/** Once, when the element first comes into view. */
function useSeen(place: { current: Element | null }, onSeen: () => void): void {
  useEffect(() => {
    const { current } = place;
    if (current === null) return;
    const observer = new IntersectionObserver((entries) => {
      if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
      observer.disconnect();
      onSeen();
    });
    observer.observe(current);
    return () => observer.disconnect();
  }, []);
}

interface Drawn {
  address: string;
  width: number;
  height: number;
}

function Preview({ file, name }: { file: Blob; name: string }) {
  const [drawn, setDrawn] = useState<Drawn | null>(null);
  useEffect(() => {
    let isOver = false;
    let address: string | null = null;
    void drawnSmall(file).then((small) => {
      if (isOver || small === null) return;
      address = URL.createObjectURL(small.blob);
      setDrawn({ address, width: small.width, height: small.height });
    });
    return () => {
      isOver = true;
      if (address !== null) URL.revokeObjectURL(address);
    };
  }, [file]);
  if (drawn === null) return null;
  const { address, width, height } = drawn;
  return <img class="file-preview" src={address} width={width} height={height} alt={name} data-testid="preview" />;
}

/**
 * Decoded and drawn anew: what is shown was made here. Null for what is no picture by its own bytes,
 * whatever its sender called it, or cannot be decoded.
 */
async function drawnSmall(file: Blob): Promise<{ blob: Blob; width: number; height: number } | null> {
  const picture = pictureIn(new Uint8Array(await file.slice(0, HEADER_BYTES).arrayBuffer()));
  if (picture === null) return null;
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(new Blob([file], { type: picture.type }));
  } catch (error) {
    if (error instanceof DOMException) return null;
    throw error;
  }
  const scale = Math.min(1, WIDEST / bitmap.width, HIGHEST / bitmap.height);
  const width = Math.max(1, Math.round(bitmap.width * scale));
  const height = Math.max(1, Math.round(bitmap.height * scale));
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d")?.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  return { blob: await canvas.convertToBlob({ type: "image/png" }), width, height };
}
