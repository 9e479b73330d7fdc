// Forms of bytes, with the lengths at which they change.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Reader, bytesToUuid, concat, fromBase64, randomBytes, sameBytes, toBase64, uuidToBytes, vector } from "../src/bytes.ts";

test("vectors come back whole at every length where their header changes", () => {
  const headers = [[0, 1], [63, 1], [64, 2], [16383, 2], [16384, 4], [70000, 4]] as const;
  for (const [length, header] of headers) {
    const content = randomBytes(Math.min(length, 60000)).slice(0, length);
    const padded = concat(content, new Uint8Array(length - content.length));

    const encoded = vector(padded);
    const reader = new Reader(encoded);

    assert.equal(encoded.length, header + length);
    assert(sameBytes(reader.vector(), padded));
    reader.end();
  }
});

test("lengths that are not minimal, of the eight-byte form or too long are refused", () => {
  const refused = [[0x40, 0x01, 7], [0x80, 0, 0, 1, 7], [0xc0, 0, 0, 0, 0, 0, 0, 1, 7], [5, 1, 2], [0x40]];
  for (const bytes of refused) {
    assert.throws(() => new Reader(Uint8Array.from(bytes)).vector(), RangeError);
  }
});

test("base64 and UUIDs come back as they were", () => {
  for (const length of [0, 1, 2, 3, 40000, 100000]) {
    const bytes = concat(...Array.from({ length: Math.ceil(length / 50000) }, () => randomBytes(50000))).slice(0, length);
    assert(sameBytes(fromBase64(toBase64(bytes)), bytes));
  }
  const uuid = crypto.randomUUID();
  assert.equal(bytesToUuid(uuidToBytes(uuid)), uuid);
  assert.throws(() => uuidToBytes(uuid.toUpperCase().replaceAll("-", "")), RangeError);
});
