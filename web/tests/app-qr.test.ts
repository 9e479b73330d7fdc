// The QR encoder against pictures an independent encoder made of the same texts and masks.

import assert from "node:assert/strict";
import { test } from "node:test";
import { qrCode, type Modules } from "../src/app/qr/qr.ts";

const HELLO_MASK_3 = [
  "#######.#.....#######",
  "#.....#.#.....#.....#",
  "#.###.#..#.#..#.###.#",
  "#.###.#.#.#.#.#.###.#",
  "#.###.#..###..#.###.#",
  "#.....#..####.#.....#",
  "#######.#.#.#.#######",
  "........#####........",
  "#.##.###.#.##.#..#.##",
  "###.#..#..#####..##.#",
  "##.####.##.#.......##",
  "##.#.#...###..####.#.",
  ".#.#..####..#..#....#",
  "........#.##..#...#..",
  "#######.#.###..#.....",
  "#.....#.#.#....#####.",
  "#.###.#.....#########",
  "#.###.#.#.##..#.####.",
  "#.###.#.#...#.##..#..",
  "#.....#......#.##...#",
  "#######.###..#.#..#..",
];

const URL_OF_AN_APP =
  "otpauth://totp/Acme%20Works:alice?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Acme%20Works";

// Text, mask, modules on a side, SHA-256 of the rows as lines of 0 and 1.
const DIGESTS = [
  ["hello", 0, 21, "52a7aa67e7296ede539d6be86579c7180e3b6d417445712ae8bd314c1818458a"],
  ["hello", 5, 21, "aab8a0a72b21c8c63c7d29fb79889a5cf663a94745c683d332f8ca36b6c93d79"],
  ["hello", 7, 21, "683921f56b2988dd454e5f08cc85d949682bd846d510fe13aa028a95d1427918"],
  [URL_OF_AN_APP, 0, 41, "9b420496f07cfd8dd170da0a3fcecd5ebb83292d58897824652074bbbdc4b1f4"],
  [URL_OF_AN_APP, 7, 41, "fe5d86349bcbb6fff37684bd7fd21112550e74d80006143f4eaa6d6ee322cc83"],
  ["x".repeat(300), 3, 69, "06540e7d3086d1a1c7ae802f6c37eb982dcabd79b88808fcc24dfcc97fd1df3b"],
  ["y".repeat(600), 5, 93, "96dd77da2542f3dd705976a7165652602a3c13f4c6ae6b51c1f926375457f6cf"],
] as const;

function drawn(modules: Modules): string[] {
  return modules.map((row) => row.map((dark) => (dark ? "#" : ".")).join(""));
}

async function digestOf(modules: Modules): Promise<string> {
  const text = drawn(modules).join("\n").replaceAll("#", "1").replaceAll(".", "0");
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

test("a short text becomes the picture an independent encoder draws", () => {
  assert.deepEqual(drawn(qrCode("hello", 3)), HELLO_MASK_3);
});

test("texts of every size, with alignment and version patterns, become the same pictures", async () => {
  for (const [text, mask, size, digest] of DIGESTS) {
    const modules = qrCode(text, mask);

    assert.equal(modules.length, size);
    assert.equal(await digestOf(modules), digest, `${text.slice(0, 10)} with mask ${mask}`);
  }
});

test("without a mask given one of the eight is chosen", () => {
  const eight = Array.from({ length: 8 }, (_, mask) => drawn(qrCode(URL_OF_AN_APP, mask)).join());

  assert(eight.includes(drawn(qrCode(URL_OF_AN_APP)).join()));
});

test("a text that does not fit is refused", () => {
  assert.equal(qrCode("z".repeat(666)).length, 97);
  assert.throws(() => qrCode("z".repeat(667)), RangeError);
});
