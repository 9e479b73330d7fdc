// What a file's first bytes say of a picture: its real kind and its size, before anything decodes it.
// A few hundred KiB may otherwise become gigabytes. SVG is no picture here: it is a document.

export interface Picture {
  type: "image/png" | "image/jpeg" | "image/gif" | "image/webp";
  width: number;
  height: number;
}

export const MOST_PIXELS = 40_000_000;
export const HEADER_BYTES = 256 * 1024; // a JPEG may carry its camera's words first

/** Null when it is none of the four kinds, or is larger than is safe to decode. */
export function pictureIn(header: Uint8Array): Picture | null {
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  try {
    const picture = png(view) ?? gif(view) ?? webp(view) ?? jpeg(view);
    if (picture === null || picture.width === 0 || picture.height === 0) return null;
    return picture.width * picture.height <= MOST_PIXELS ? picture : null;
  } catch (error) {
    if (error instanceof RangeError) return null; // it ends before it says how large it is
    throw error;
  }
}

function says(view: DataView, at: number, text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    if (view.getUint8(at + index) !== text.charCodeAt(index)) return false;
  }
  return true;
}

function png(view: DataView): Picture | null {
  if (!says(view, 0, "\x89PNG\r\n\x1a\n") || !says(view, 12, "IHDR")) return null;
  return { type: "image/png", width: view.getUint32(16), height: view.getUint32(20) };
}

function gif(view: DataView): Picture | null {
  if (!says(view, 0, "GIF87a") && !says(view, 0, "GIF89a")) return null;
  return { type: "image/gif", width: view.getUint16(6, true), height: view.getUint16(8, true) };
}

function webp(view: DataView): Picture | null {
  if (!says(view, 0, "RIFF") || !says(view, 8, "WEBP")) return null;
  const type = "image/webp";
  if (says(view, 12, "VP8X")) {
    const uint24 = (at: number) => view.getUint16(at, true) + view.getUint8(at + 2) * 0x10000;
    return { type, width: uint24(24) + 1, height: uint24(27) + 1 };
  }
  if (says(view, 12, "VP8L")) {
    const bits = view.getUint32(21, true);
    return { type, width: (bits & 0x3fff) + 1, height: ((bits >> 14) & 0x3fff) + 1 };
  }
  if (!says(view, 12, "VP8 ")) return null;
  return { type, width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
}

function jpeg(view: DataView): Picture | null {
  if (view.getUint16(0) !== 0xffd8) return null;
  let at = 2;
  for (;;) {
    if (view.getUint8(at) !== 0xff) return null;
    const marker = view.getUint8(at + 1);
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return { type: "image/jpeg", width: view.getUint16(at + 7), height: view.getUint16(at + 5) };
    if (marker === 0xda || marker === 0xd9) return null; // the picture begins without a size
    at += marker === 0xff ? 1 : 2 + view.getUint16(at + 2);
  }
}
