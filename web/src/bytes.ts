// Bytes, and the few forms they travel in: base64, UUIDs, and RFC 9420's variable-length vectors.

export type Bytes = Uint8Array<ArrayBuffer>;

const CHUNK = 0x8000; // arguments of one call of `fromCharCode`

export function toBase64(bytes: Uint8Array): string {
  let binary = "";
  for (let start = 0; start < bytes.length; start += CHUNK) {
    binary += String.fromCharCode(...bytes.subarray(start, start + CHUNK));
  }
  return btoa(binary);
}

/** Throws when the text is not base64. */
export function fromBase64(text: string): Bytes {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < binary.length; index += 1) bytes[index] = binary.charCodeAt(index);
  return bytes;
}

export function utf8(text: string): Bytes {
  return new Uint8Array(new TextEncoder().encode(text));
}

/** Throws when the bytes are not UTF-8. */
export function fromUtf8(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
}

export function randomBytes(length: number): Bytes {
  return crypto.getRandomValues(new Uint8Array(length));
}

/** A copy that is ours alone, in the form WebCrypto's types ask for. */
export function copyOf(bytes: Uint8Array): Bytes {
  return new Uint8Array(bytes);
}

export function concat(...parts: readonly Uint8Array[]): Bytes {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** Takes the same time wherever the two differ. */
export function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  let difference = 0;
  for (let index = 0; index < left.length; index += 1) {
    difference |= (left[index] ?? 0) ^ (right[index] ?? 0);
  }
  return difference === 0;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function uuidToBytes(uuid: string): Bytes {
  if (!UUID.test(uuid)) throw new RangeError("not a UUID in its canonical form");
  const digits = uuid.replaceAll("-", "");
  return Uint8Array.from({ length: 16 }, (_, index) =>
    Number.parseInt(digits.slice(index * 2, index * 2 + 2), 16),
  );
}

export function bytesToUuid(bytes: Uint8Array): string {
  if (bytes.length !== 16) throw new RangeError("a UUID has 16 bytes");
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const parts = [[0, 8], [8, 12], [12, 16], [16, 20], [20, 32]] as const;
  return parts.map(([start, end]) => digits.slice(start, end)).join("-");
}

/** How many bytes the header of a vector takes (RFC 9420 section 2.1.2). */
export function vectorHeaderLength(length: number): 1 | 2 | 4 {
  if (length < 0x40) return 1;
  return length < 0x4000 ? 2 : 4;
}

/** `opaque content<V>` of RFC 9420 section 2.1.2. */
export function vector(content: Uint8Array): Bytes {
  const { length } = content;
  switch (vectorHeaderLength(length)) {
    case 1:
      return concat(Uint8Array.of(length), content);
    case 2:
      return concat(Uint8Array.of(0x40 | (length >> 8), length & 0xff), content);
    case 4:
      return concat(
        Uint8Array.of(0x80 | (length >> 24), (length >> 16) & 0xff, (length >> 8) & 0xff, length & 0xff),
        content,
      );
  }
}

/** Reads a structure from its first byte to its last; anything odd throws `RangeError`. */
export class Reader {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  take(length: number): Bytes {
    const end = this.#offset + length;
    if (end > this.#bytes.length) throw new RangeError("the structure ends too early");
    const part = copyOf(this.#bytes.subarray(this.#offset, end));
    this.#offset = end;
    return part;
  }

  uint8(): number {
    return this.#byte();
  }

  uint32(): number {
    return this.#number(4, 0);
  }

  vector(): Bytes {
    const first = this.#byte();
    const form = first >> 6;
    if (form === 3) throw new RangeError("a length of a form that does not exist");
    const length = this.#number((1 << form) - 1, first & 0x3f);
    if (vectorHeaderLength(length) !== 1 << form) throw new RangeError("a length that is not minimal");
    return this.take(length);
  }

  end(): void {
    if (this.#offset !== this.#bytes.length) throw new RangeError("bytes after the structure");
  }

  #byte(): number {
    const [byte] = this.take(1);
    return byte ?? 0; // `take` gave exactly one
  }

  #number(bytes: number, start: number): number {
    let value = start;
    for (let count = 0; count < bytes; count += 1) value = value * 0x100 + this.#byte();
    return value;
  }
}
