// What may be shown as a picture, by its first bytes alone.

import assert from "node:assert/strict";
import { test } from "node:test";
import { pictureIn } from "../src/attachments/pictures.ts";
import { concat, utf8 } from "../src/bytes.ts";

function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

function png(width: number, height: number): Uint8Array {
  const size = new DataView(new ArrayBuffer(8));
  size.setUint32(0, width);
  size.setUint32(4, height);
  return concat(latin1("\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), new Uint8Array(size.buffer), new Uint8Array(5));
}

const JPEG_FRAME = latin1("\xff\xc0\0\x11\x08\x01\xe0\x02\x80\x03");
const KINDS: [string, Uint8Array, [number, number]][] = [
  ["image/png", png(640, 480), [640, 480]],
  ["image/gif", latin1("GIF89a\x80\x02\xe0\x01\0\0"), [640, 480]],
  ["image/jpeg", concat(latin1("\xff\xd8\xff\xe0\0\x04JF"), JPEG_FRAME), [640, 480]],
  ["image/jpeg", concat(latin1("\xff\xd8\xff\xff\xe1\0\x02"), JPEG_FRAME), [640, 480]],
  ["image/webp", latin1("RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a\x80\x02\xe0\x01"), [640, 480]],
  ["image/webp", latin1("RIFF\0\0\0\0WEBPVP8X\0\0\0\0\0\0\0\0\x7f\x02\0\xdf\x01\0"), [640, 480]],
  ["image/webp", latin1("RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f\x7f\xc2\x77\0"), [640, 480]],
];

for (const [type, header, [width, height]] of KINDS) {
  test(`a picture is known by its first bytes: ${type}, ${header.length} bytes`, () => {
    assert.deepEqual(pictureIn(header), { type, width, height });
    for (let length = 0; length < header.length - 8; length += 1) pictureIn(header.subarray(0, length));
  });
}

const NONE: Record<string, Uint8Array> = {
  "an SVG": utf8('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'),
  "a page": utf8("<!doctype html><img src=x onerror=alert(1)>"),
  "a PDF": utf8("%PDF-1.7 and more"),
  nothing: new Uint8Array(),
  "a picture of 10 gigapixels": png(100_000, 100_000),
  "a picture without width": png(0, 480),
  "a PNG that ends too early": png(640, 480).subarray(0, 20),
  "a JPEG without a frame": latin1("\xff\xd8\xff\xda\0\x02\0\0\0\0\0\0"),
  "a JPEG whose parts lead nowhere": latin1("\xff\xd8\xff\xe0\xff\xff"),
  "bytes that say nothing": new Uint8Array(1000),
};

for (const [what, header] of Object.entries(NONE)) {
  test(`this is not shown as a picture: ${what}`, () => {
    assert.equal(pictureIn(header), null);
  });
}
