// RFC 9420 section 2: the TLS presentation language, declared once per structure.
//
// A structure is a declaration that reads like the RFC's; its type, its encoding and its decoding
// follow from it:
//
//     export const Lifetime = struct("Lifetime", { notBefore: uint64, notAfter: uint64 });
//     export type Lifetime = ValueOf<typeof Lifetime>;
//
// Decoding is strict. What is not exactly one value, shortest lengths, known choices, nothing left
// over, throws `DecodeError`, and no length is believed before that many bytes are there.

import { type Bytes, concat, copyOf, sameBytes } from "../bytes.ts";
import { DecodeError, OutOfRange } from "./errors.ts";

const ONE_BYTE_LIMIT = 2 ** 6;
const TWO_BYTE_LIMIT = 2 ** 14;
const FOUR_BYTE_LIMIT = 2 ** 30;

/** A cursor over bytes that never goes past the end of the structure being read. */
export class Reader {
  readonly #data: Uint8Array;
  #position = 0;
  #end: number;

  constructor(data: Uint8Array) {
    this.#data = data;
    this.#end = data.length;
  }

  get position(): number {
    return this.#position;
  }

  get remaining(): number {
    return this.#end - this.#position;
  }

  /** What was read after `start`, which was this reader's position then; as a copy. */
  since(start: number): Bytes {
    return new Uint8Array(this.#data.subarray(start, this.#position));
  }

  /** The next bytes, as a copy of their own. */
  take(length: number): Bytes {
    const start = this.#advance(length);
    return new Uint8Array(this.#data.subarray(start, start + length));
  }

  uint(width: number): number {
    const start = this.#advance(width);
    let value = 0;
    for (let index = start; index < start + width; index += 1) {
      value = value * 256 + (this.#data[index] ?? 0);
    }
    return value;
  }

  uint64(): bigint {
    const high = this.uint(4);
    return BigInt(high) * 0x1_0000_0000n + BigInt(this.uint(4));
  }

  /** Read a variable-size length, which must be in its shortest form. */
  length(): number {
    const first = this.uint(1);
    const start = first % ONE_BYTE_LIMIT;
    switch (first >> 6) {
      case 0:
        return start;
      case 1:
        return shortest(start * 2 ** 8 + this.uint(1), ONE_BYTE_LIMIT);
      case 2:
        return shortest(start * 2 ** 24 + this.uint(3), TWO_BYTE_LIMIT);
      default:
        throw new DecodeError("lengths of eight bytes do not exist in MLS");
    }
  }

  opaque(): Bytes {
    return this.take(this.length());
  }

  /** Read values until the vector's declared bytes are used up exactly. */
  vector<T>(read: (reader: Reader) => T): T[] {
    const length = this.length();
    if (length > this.remaining) {
      throw new DecodeError("the vector is longer than the bytes that carry it");
    }
    const outer = this.#end;
    this.#end = this.#position + length;
    const values: T[] = [];
    while (this.#position < this.#end) values.push(read(this));
    this.#end = outer;
    return values;
  }

  finish(): void {
    if (this.remaining > 0) throw new DecodeError("bytes are left over after the value");
  }

  #advance(length: number): number {
    const start = this.#position;
    if (start + length > this.#end) {
      throw new DecodeError("the value is longer than the bytes that carry it");
    }
    this.#position = start + length;
    return start;
  }
}

function shortest(length: number, limit: number): number {
  if (length < limit) throw new DecodeError("a length is not in its shortest form");
  return length;
}

const FIRST_SIZE = 1024;
const LARGE = 1024;

/** A buffer for the next writer: a message takes twenty of them, and making one is not cheap. */
let spare: Bytes | null = null;

/** Bytes under construction; large ones are copied once, at the end. */
export class Writer {
  readonly #parts: Uint8Array[] = [];
  #data: Bytes = spare ?? new Uint8Array(FIRST_SIZE);
  #length = 0;

  constructor() {
    spare = null;
  }

  uint(value: number, width: number): void {
    if (!Number.isInteger(value) || value < 0 || value >= 2 ** (8 * width)) {
      throw new OutOfRange(`the number does not fit in ${width} bytes`);
    }
    const start = this.#extend(width);
    let rest = value;
    for (let index = start + width - 1; index >= start; index -= 1) {
      this.#data[index] = rest % 256;
      rest = Math.floor(rest / 256);
    }
  }

  uint64(value: bigint): void {
    if (value < 0n || value >= 1n << 64n) {
      throw new OutOfRange("the number does not fit in 8 bytes");
    }
    this.uint(Number(value >> 32n), 4);
    this.uint(Number(value & 0xffff_ffffn), 4);
  }

  bytes(value: Uint8Array): void {
    if (value.length < LARGE) {
      const start = this.#extend(value.length);
      this.#data.set(value, start);
    } else {
      this.#closePart();
      this.#parts.push(value);
    }
  }

  opaque(value: Uint8Array): void {
    this.length(value.length);
    this.bytes(value);
  }

  length(length: number): void {
    if (length < ONE_BYTE_LIMIT) this.uint(length, 1);
    else if (length < TWO_BYTE_LIMIT) this.uint(0x4000 + length, 2);
    else if (length < FOUR_BYTE_LIMIT) this.uint(0x8000_0000 + length, 4);
    else throw new OutOfRange("a vector holds fewer than 2^30 bytes");
  }

  /** What `write` writes, with its length in front. */
  vector(write: () => void): void {
    const [part, start] = [this.#parts.length, this.#length];
    write();
    const [first, ...more] = this.#parts.slice(part);
    if (first === undefined) {
      this.#insertLength(start, this.#length - start);
      return;
    }
    const size = more.reduce((sum, each) => sum + each.length, first.length - start + this.#length);
    const header = encodeLength(size);
    this.#parts[part] = concat(first.subarray(0, start), header, first.subarray(start));
  }

  /** The bytes; the writer is of no more use, and what was written is gone from its buffer. */
  finish(): Bytes {
    const last = this.#data.subarray(0, this.#length);
    const whole = this.#parts.length === 0 ? copyOf(last) : concat(...this.#parts, last);
    last.fill(0);
    if (this.#data.length === FIRST_SIZE) spare = this.#data;
    return whole;
  }

  #insertLength(start: number, length: number): void {
    const header = encodeLength(length);
    this.#extend(header.length);
    this.#data.copyWithin(start + header.length, start, start + length);
    this.#data.set(header, start);
  }

  #closePart(): void {
    this.#parts.push(this.#data.subarray(0, this.#length));
    this.#data = new Uint8Array(FIRST_SIZE);
    this.#length = 0;
  }

  #extend(length: number): number {
    const start = this.#length;
    const needed = start + length;
    if (needed > this.#data.length) {
      const larger = new Uint8Array(Math.max(needed, this.#data.length * 2));
      larger.set(this.#data);
      this.#data = larger;
    }
    this.#length = needed;
    return start;
  }
}

export function encodeLength(length: number): Bytes {
  return written((writer) => writer.length(length));
}

/** The bytes with their length in front: `opaque value<V>`. */
export function encodeOpaque(data: Uint8Array): Bytes {
  return written((writer) => writer.opaque(data));
}

export function encodeUint(value: number, width: number): Bytes {
  return written((writer) => writer.uint(value, width));
}

export function written(write: (writer: Writer) => void): Bytes {
  const writer = new Writer();
  write(writer);
  return writer.finish();
}

/** How one kind of value is written and read. */
export interface Codec<T> {
  write(writer: Writer, value: T): void;
  read(reader: Reader): T;
}

/** The type of the values of a codec. */
export type ValueOf<C> = C extends Codec<infer T> ? T : never;

/** An unsigned number of a fixed width. */
export function uint(width: number): Codec<number> {
  return {
    write: (writer, value) => writer.uint(value, width),
    read: (reader) => reader.uint(width),
  };
}

export const uint8 = uint(1);
export const uint16 = uint(2);
export const uint32 = uint(4);

export const uint64: Codec<bigint> = {
  write: (writer, value) => writer.uint64(value),
  read: (reader) => reader.uint64(),
};

/** A number that is one of those listed. */
export function choice<N extends number>(width: number, choices: Readonly<Record<string, N>>): Codec<N> {
  const known: ReadonlySet<number> = new Set(Object.values(choices));
  const isKnown = (value: number): value is N => known.has(value);
  return {
    write: (writer, value) => writer.uint(value, width),
    read(reader) {
      const value = reader.uint(width);
      if (!isKnown(value)) throw new DecodeError("the number is none of the values defined for it");
      return value;
    },
  };
}

/** Bytes with their length in front. */
export const opaque: Codec<Bytes> = {
  write: (writer, value) => writer.opaque(value),
  read: (reader) => reader.opaque(),
};

/** Exactly `size` bytes. */
export function fixed(size: number): Codec<Bytes> {
  return {
    write(writer, value) {
      if (value.length !== size) throw new OutOfRange(`the value has to be ${size} bytes long`);
      writer.bytes(value);
    },
    read: (reader) => reader.take(size),
  };
}

/** Values one after the other, the number of their bytes in front. */
export function vector<T>(item: Codec<T>): Codec<readonly T[]> {
  return {
    write: (writer, values) =>
      writer.vector(() => {
        for (const value of values) item.write(writer, value);
      }),
    read: (reader) => reader.vector((inner) => item.read(inner)),
  };
}

/** `optional<T>`: one byte, 0 for absent and 1 for present. */
export function optional<T>(item: Codec<T>): Codec<T | null> {
  return {
    write(writer, value) {
      writer.uint(value === null ? 0 : 1, 1);
      if (value !== null) item.write(writer, value);
    },
    read(reader) {
      const present = reader.uint(1);
      if (present > 1) throw new DecodeError("an optional value is neither absent nor present");
      return present === 1 ? item.read(reader) : null;
    },
  };
}

/** A value that knows of which structure it is. */
export interface Value<K extends string = string> {
  readonly kind: K;
}

export type FieldValues<F> = { readonly [N in keyof F]: ValueOf<F[N]> };

/** A codec with the two operations on whole values. */
export interface Structure<K extends string, T extends Value<K>> extends Codec<T> {
  readonly kind: K;
  encode(value: T): Bytes;
  /** Read exactly one value from exactly these bytes, or throw `DecodeError`. */
  decode(data: Uint8Array): T;
}

/** A structure whose fields are written one after the other. */
export interface Struct<K extends string, F> extends Structure<K, Value<K> & FieldValues<F>> {
  readonly fields: F;
  of(values: FieldValues<F>): Value<K> & FieldValues<F>;
  /** Only these fields of a value that may have more: what a signature covers. */
  encodeFields(values: FieldValues<F>): Bytes;
}

export function struct<K extends string, F extends object>(kind: K, fields: F): Struct<K, F> {
  type V = Value<K> & FieldValues<F>;
  // The mapped type above says of each name what its codec reads; entries() forgets it.
  const codecs = Object.entries(fields) as [string, Codec<unknown>][];
  const write = (writer: Writer, value: object): void => {
    for (const [name, codec] of codecs) codec.write(writer, Reflect.get(value, name));
  };
  const read = (reader: Reader): V => {
    const value: Record<string, unknown> = { kind };
    for (const [name, codec] of codecs) value[name] = codec.read(reader);
    return value as V;
  };
  return {
    ...structure<K, V>(kind, { write, read }),
    fields,
    of: (values) => ({ ...values, kind }),
    encodeFields: (values) => written((writer) => write(writer, values)),
  };
}

/** A structure that writes and reads itself in its own way. */
export function structure<K extends string, T extends Value<K>>(kind: K, codec: Codec<T>): Structure<K, T> {
  return {
    kind,
    ...codec,
    encode: (value) => written((writer) => codec.write(writer, value)),
    decode: (data) => decodeAs(codec, data),
  };
}

/** Exactly one value from exactly these bytes, or `DecodeError`. */
export function decodeAs<T>(codec: Codec<T>, data: Uint8Array): T {
  const reader = new Reader(data);
  const value = codec.read(reader);
  reader.finish();
  return value;
}

export function encodeAs<T>(codec: Codec<T>, value: T): Bytes {
  return written((writer) => codec.write(writer, value));
}

/** Whether two values have the same bytes. */
export function sameValue<T>(codec: Codec<T>, one: T, other: T): boolean {
  return sameBytes(encodeAs(codec, one), encodeAs(codec, other));
}

interface AnyStructure {
  readonly kind: string;
  write(writer: Writer, value: never): void;
  read(reader: Reader): Value;
}
type Chosen<C> = ValueOf<C[keyof C]>;

/** `select`: a number that says which structure follows. */
export interface Select<T> extends Codec<T> {
  tagOf(value: T): number;
}

export function select<C extends Readonly<Record<number, AnyStructure>>>(width: number, cases: C): Select<Chosen<C>> {
  type V = Chosen<C> & Value;
  // The table's own type says what each structure reads; entries() forgets it.
  const rows = Object.entries(cases).map(([tag, codec]) => [Number(tag), codec as unknown as Structure<string, V>] as const);
  const byTag = new Map(rows);
  const byKind = new Map(rows.map(([tag, codec]) => [codec.kind, { tag, codec }]));
  const rowOf = (value: V): { tag: number; codec: Structure<string, V> } => {
    const row = byKind.get(value.kind);
    if (row === undefined) throw new TypeError(`${value.kind} is none of the choices`);
    return row;
  };
  return {
    tagOf: (value) => rowOf(value as V).tag,
    write(writer, value) {
      const { tag, codec } = rowOf(value as V);
      writer.uint(tag, width);
      codec.write(writer, value as V);
    },
    read(reader) {
      const codec = byTag.get(reader.uint(width));
      if (codec === undefined) throw new DecodeError("the choice is none of the known ones");
      return codec.read(reader);
    },
  };
}

/** The same value with some parts replaced; works for structures and for our own classes. */
export function replace<T extends object>(value: T, changes: Partial<T>): T {
  const copy: T = Object.create(Object.getPrototypeOf(value) as object | null);
  return Object.assign(copy, value, changes);
}
