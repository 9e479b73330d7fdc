// From text to the codewords of a QR code: byte mode, error correction level M (ISO/IEC 18004).

import { errorCorrection } from "./reed-solomon.ts";

export const LARGEST_VERSION = 20;

// Level M, versions 1 to 20.
const CORRECTION = [10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26];
const BLOCKS = [1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16];

const BYTE_MODE = 0b0100;
const PADDING = [0xec, 0x11];

/** All codewords that fit into the modules no function pattern takes. */
function capacity(version: number): number {
  const aligned = Math.floor(version / 7) + 2;
  let modules = (16 * version + 128) * version + 64;
  if (version >= 2) modules -= (25 * aligned - 10) * aligned - 55;
  if (version >= 7) modules -= 36;
  return Math.floor(modules / 8);
}

function shapeOf(version: number): { blocks: number; correction: number; data: number } {
  const blocks = BLOCKS[version - 1]!; // versions are 1 to 20
  const correction = CORRECTION[version - 1]!;
  return { blocks, correction, data: capacity(version) - blocks * correction };
}

function lengthBits(version: number): number {
  return version < 10 ? 8 : 16;
}

export function smallestVersion(length: number): number {
  for (let version = 1; version <= LARGEST_VERSION; version += 1) {
    if (4 + lengthBits(version) + 8 * length <= 8 * shapeOf(version).data) return version;
  }
  throw new RangeError("This text is too long for a QR code of ours.");
}

export function codewords(text: Uint8Array, version: number): Uint8Array {
  const { blocks, correction, data } = shapeOf(version);
  const padded = withPadding(text, version, data);
  const short = Math.floor(data / blocks);
  const longBlocks = data % blocks;
  const pieces: Uint8Array[] = [];
  for (let block = 0, start = 0; block < blocks; block += 1) {
    const length = short + (block >= blocks - longBlocks ? 1 : 0);
    pieces.push(padded.subarray(start, start + length));
    start += length;
  }
  const checks = pieces.map((piece) => errorCorrection(piece, correction));
  return Uint8Array.from([...interleaved(pieces), ...interleaved(checks)]);
}

function withPadding(text: Uint8Array, version: number, size: number): Uint8Array {
  const bits = bitsOf(BYTE_MODE, 4).concat(bitsOf(text.length, lengthBits(version)));
  for (const byte of text) bits.push(...bitsOf(byte, 8));
  bits.push(...bitsOf(0, Math.min(4, size * 8 - bits.length)));
  const bytes = new Uint8Array(size);
  bits.forEach((bit, index) => {
    bytes[index >> 3] = bytes[index >> 3]! | (bit << (7 - (index & 7)));
  });
  const used = Math.ceil(bits.length / 8);
  for (let index = used; index < size; index += 1) bytes[index] = PADDING[(index - used) % 2]!;
  return bytes;
}

function bitsOf(value: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => (value >> (count - 1 - index)) & 1);
}

function interleaved(blocks: readonly Uint8Array[]): number[] {
  const longest = Math.max(...blocks.map((block) => block.length));
  const result: number[] = [];
  for (let index = 0; index < longest; index += 1) {
    for (const block of blocks) {
      const byte = block[index];
      if (byte !== undefined) result.push(byte);
    }
  }
  return result;
}
