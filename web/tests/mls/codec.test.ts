// What the presentation language promises: one value, one encoding, nothing else.

import assert from "node:assert/strict";
import { test } from "node:test";
import { concat } from "../../src/bytes.ts";
import { allDifferent, keyOf } from "../../src/mls/bytes_sets.ts";
import {
  Reader,
  type ValueOf,
  choice,
  encodeLength,
  encodeOpaque,
  fixed,
  opaque,
  optional,
  select,
  struct,
  uint8,
  uint16,
  uint32,
  uint64,
  vector,
} from "../../src/mls/codec.ts";
import { DecodeError, OutOfRange } from "../../src/mls/errors.ts";
import { hex, unhex } from "../../src/mls/vectors/expect.ts";

const Small = struct("Small", { number: uint8 });
const Empty = struct("Empty", {});
const Sample = struct("Sample", {
  tiny: uint8,
  short: uint16,
  long: uint32,
  longest: uint64,
  colour: choice<1 | 2>(1, { RED: 1, BLUE: 2 }),
  body: opaque,
  tag: fixed(2),
  numbers: vector(uint16),
  maybe: optional(Small),
  either: select(1, { 1: Small, 2: Empty }),
});
type Sample = ValueOf<typeof Sample>;

const SAMPLE: Sample = Sample.of({
  tiny: 1,
  short: 2,
  long: 3,
  longest: 4n,
  colour: 2,
  body: unhex("78797a"),
  tag: unhex("6162"),
  numbers: [5, 6],
  maybe: Small.of({ number: 7 }),
  either: Small.of({ number: 8 }),
});
const HEAD = "01 0002 00000003 0000000000000004";
const bytes = (text: string) => unhex(text.replaceAll(" ", ""));
const WHOLE = bytes(`${HEAD} 02 03 78797a 6162 04 00050006 01 07 01 08`);

test("a structure is written field by field", () => {
  assert.equal(hex(Sample.encode(SAMPLE)), hex(WHOLE));
});

test("a structure is read back equal", () => {
  assert.deepEqual(Sample.decode(WHOLE), SAMPLE);
});

test("a shortened structure is refused, wherever it is cut", () => {
  for (let cut = 0; cut < WHOLE.length; cut += 1) {
    assert.throws(() => Sample.decode(WHOLE.subarray(0, cut)), DecodeError);
  }
});

const BAD_SAMPLES = {
  "a byte too many": `${HEAD} 02 03 78797a 6162 04 00050006 01 07 01 08 00`,
  "an unknown enum value": `${HEAD} 03 03 78797a 6162 04 00050006 01 07 01 08`,
  "an optional of two": `${HEAD} 02 03 78797a 6162 04 00050006 02 07 01 08`,
  "an unknown choice": `${HEAD} 02 03 78797a 6162 04 00050006 01 07 03 08`,
  "half an item": `${HEAD} 02 03 78797a 6162 03 000500 01 07 01 08`,
  "a long length": `${HEAD} 02 4003 78797a 6162 04 00050006 01 07 01 08`,
  "a huge vector": `${HEAD} 02 03 78797a 6162 bfffffff 00050006 01 07 01`,
  "a huge string": `${HEAD} 02 bfffffff 78797a 6162 04 00050006 01 07`,
};

for (const [what, text] of Object.entries(BAD_SAMPLES)) {
  test(`${what} is refused`, () => {
    assert.throws(() => Sample.decode(bytes(text)), DecodeError);
  });
}

const LENGTHS = [
  [0, "00"],
  [63, "3f"],
  [64, "4040"],
  [16383, "7fff"],
  [16384, "80004000"],
  [2 ** 30 - 1, "bfffffff"],
] as const;

test("lengths take their shortest form", () => {
  for (const [length, encoded] of LENGTHS) {
    assert.equal(hex(encodeLength(length)), encoded);
    assert.equal(new Reader(unhex(encoded)).length(), length);
  }
});

test("other forms of a length are refused", () => {
  for (const encoded of ["4000", "403f", "80000000", "80003fff", "c000000000000000", "c0", "ff", "40", "800040", ""]) {
    assert.throws(() => new Reader(unhex(encoded)).length(), DecodeError, encoded);
  }
});

test("a vector of a gibibyte cannot be written", () => {
  assert.throws(() => encodeLength(2 ** 30), OutOfRange);
});

test("a value that does not fit cannot be written", () => {
  for (const number of [256, -1, 0.5]) assert.throws(() => Small.encode(Small.of({ number })), OutOfRange);
  assert.throws(() => Sample.encode({ ...SAMPLE, tag: unhex("616263") }), OutOfRange);
  for (const longest of [-1n, 2n ** 64n]) assert.throws(() => Sample.encode({ ...SAMPLE, longest }), OutOfRange);
});

test("the largest numbers fit", () => {
  const largest = Sample.of({ ...SAMPLE, tiny: 0xff, short: 0xffff, long: 2 ** 32 - 1, longest: 2n ** 64n - 1n });

  assert.deepEqual(Sample.decode(Sample.encode(largest)), largest);
});

test("bytes are written with their length in front", () => {
  assert.equal(hex(encodeOpaque(unhex("616263"))), "03616263");
});

test("what was read does not change with the bytes it was read from", () => {
  const data = new Uint8Array(WHOLE);
  const read = Sample.decode(data);

  data.fill(0);

  assert.deepEqual(read, SAMPLE);
});

const Page = struct("Page", { title: opaque, text: opaque, number: uint8 });
const Book = struct("Book", { pages: vector(Page), end: opaque });

test("large fields are written in their places, between small ones and inside vectors", () => {
  const sizes = [0, 1, 1_023, 1_024, 1_025, 20_000];
  const pages = sizes.flatMap((title) =>
    sizes.map((text, number) =>
      Page.of({ title: new Uint8Array(title).fill(1), text: new Uint8Array(text).fill(2), number }),
    ),
  );
  const inside = concat(...pages.map((page) => concat(encodeOpaque(page.title), encodeOpaque(page.text), unhex(`0${page.number}`))));
  const book = Book.of({ pages, end: unhex("ff") });

  const encoded = Book.encode(book);

  assert.deepEqual(encoded, concat(encodeLength(inside.length), inside, unhex("01ff")));
  assert.deepEqual(Book.decode(encoded), book);
});

test("a writer leaves nothing behind for the next", () => {
  const first = encodeOpaque(unhex("ffffffff"));
  assert.throws(() => Small.encode(Small.of({ number: 256 })), OutOfRange);

  assert.equal(hex(encodeOpaque(new Uint8Array(2))), "020000");
  assert.equal(hex(first), "04ffffffff");
});

test("bytes have the same key if they are the same, however long", () => {
  const long = Uint8Array.from({ length: 10_000 }, (_, index) => index % 256);
  const others = [0, 4095, 4096, 9_999].map((place) => long.with(place, (long[place] ?? 0) ^ 0x80));
  const shorter = [0, 1, 4096].map((size) => long.slice(0, size));

  assert.equal(keyOf(long), keyOf(long.slice()));
  assert(allDifferent([long, ...others, ...shorter]));
  assert(!allDifferent([long, ...others, long.slice()]));
});
