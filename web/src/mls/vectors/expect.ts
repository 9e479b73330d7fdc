// Comparing what was computed with what a vector says.

import { type Bytes, sameBytes } from "../../bytes.ts";

/** The engine computed something else than the vector says, or the vector is not what it should be. */
export class VectorMismatch extends Error {}

export function expect(what: string, computed: unknown, published: unknown): void {
  const [one, other] = [JSON.stringify(computed), JSON.stringify(published)];
  if (one !== other) throw new VectorMismatch(`${what}: computed ${one}, published ${other}`);
}

export function expectBytes(what: string, computed: Uint8Array, published: Uint8Array): void {
  if (!sameBytes(computed, published)) {
    throw new VectorMismatch(`${what}: computed ${hex(computed)}, published ${hex(published)}`);
  }
}

export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function unhex(text: string): Bytes {
  if (!/^([0-9a-f]{2})*$/i.test(text)) throw new VectorMismatch("not hexadecimal");
  return Uint8Array.from({ length: text.length / 2 }, (_, index) => Number.parseInt(text.slice(2 * index, 2 * index + 2), 16));
}

/** One object of a vector file, whose fields are read as what they have to be. */
export class Case {
  constructor(readonly fields: Readonly<Record<string, unknown>>) {}

  static of(value: unknown): Case {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new VectorMismatch("not an object");
    }
    return new Case(Object.fromEntries(Object.entries(value)));
  }

  has(name: string): boolean {
    return name in this.fields;
  }

  number(name: string): number {
    const value = this.fields[name];
    if (typeof value !== "number") throw new VectorMismatch(`${name} is no number`);
    return value;
  }

  text(name: string): string {
    const value = this.fields[name];
    if (typeof value !== "string") throw new VectorMismatch(`${name} is no text`);
    return value;
  }

  bytes(name: string): Bytes {
    return unhex(this.text(name));
  }

  /** Null where the vector has null. */
  bytesOrNull(name: string): Bytes | null {
    return this.fields[name] === null ? null : this.bytes(name);
  }

  list(name: string): readonly unknown[] {
    const value = this.fields[name];
    if (!Array.isArray(value)) throw new VectorMismatch(`${name} is no list`);
    return value;
  }

  inner(name: string): Case {
    return Case.of(this.fields[name]);
  }

  cases(name: string): readonly Case[] {
    return this.list(name).map((each) => Case.of(each));
  }
}
