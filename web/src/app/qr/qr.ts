// A QR code as a square of dark and light modules.

import { codewords, smallestVersion } from "./codewords.ts";

/** Rows of modules; true is dark. */
export type Modules = boolean[][];

const MASKS: readonly ((row: number, column: number) => boolean)[] = [
  (row, column) => (row + column) % 2 === 0,
  (row) => row % 2 === 0,
  (_, column) => column % 3 === 0,
  (row, column) => (row + column) % 3 === 0,
  (row, column) => (Math.floor(row / 2) + Math.floor(column / 3)) % 2 === 0,
  (row, column) => ((row * column) % 2) + ((row * column) % 3) === 0,
  (row, column) => (((row * column) % 2) + ((row * column) % 3)) % 2 === 0,
  (row, column) => (((row + column) % 2) + ((row * column) % 3)) % 2 === 0,
];

const LEVEL_M = 0b00;

/** Without a mask given, the one that is easiest to read. */
export function qrCode(text: string, mask?: number): Modules {
  const bytes = new TextEncoder().encode(text);
  const version = smallestVersion(bytes.length);
  const canvas = new Canvas(version);
  canvas.write(codewords(bytes, version));
  if (mask !== undefined) return canvas.masked(mask);
  const candidates = MASKS.map((_, index) => canvas.masked(index));
  return candidates.reduce((best, next) => (penalty(next) < penalty(best) ? next : best));
}

class Canvas {
  private readonly size: number;
  private readonly modules: Modules;
  /** Modules of function patterns, which no mask touches. */
  private readonly fixed: Modules;

  constructor(private readonly version: number) {
    this.size = 17 + 4 * version;
    this.modules = square(this.size);
    this.fixed = square(this.size);
    this.timing();
    for (const [row, column] of [[3, 3], [3, this.size - 4], [this.size - 4, 3]] as const) {
      this.finder(row, column);
    }
    this.alignments();
    this.format(0); // takes its place; the real one follows with the mask
    if (version >= 7) this.versionBits();
  }

  write(bytes: Uint8Array): void {
    let bit = 0;
    for (const [row, column] of this.zigzag()) {
      const byte = bytes[bit >> 3];
      if (byte !== undefined) this.modules[row]![column] = ((byte >> (7 - (bit & 7))) & 1) === 1;
      bit += 1;
    }
  }

  masked(mask: number): Modules {
    this.format(mask);
    const inverts = MASKS[mask]!; // 0 to 7
    return this.modules.map((line, row) =>
      line.map((dark, column) => (this.fixed[row]![column] ? dark : dark !== inverts(row, column))),
    );
  }

  /** Free modules in the order of the data: two columns at a time, up and down, from the right. */
  private *zigzag(): Generator<[number, number]> {
    let upwards = true;
    for (let right = this.size - 1; right > 0; right -= 2) {
      if (right === 6) right = 5; // the timing pattern has this column to itself
      for (let step = 0; step < this.size; step += 1) {
        const row = upwards ? this.size - 1 - step : step;
        for (const column of [right, right - 1]) {
          if (!this.fixed[row]![column]) yield [row, column];
        }
      }
      upwards = !upwards;
    }
  }

  private set(row: number, column: number, dark: boolean): void {
    this.modules[row]![column] = dark;
    this.fixed[row]![column] = true;
  }

  private timing(): void {
    for (let index = 0; index < this.size; index += 1) {
      this.set(6, index, index % 2 === 0);
      this.set(index, 6, index % 2 === 0);
    }
  }

  private finder(row: number, column: number): void {
    for (let y = -4; y <= 4; y += 1) {
      for (let x = -4; x <= 4; x += 1) {
        const ring = Math.max(Math.abs(x), Math.abs(y));
        if (this.contains(row + y, column + x)) this.set(row + y, column + x, ring !== 2 && ring !== 4);
      }
    }
  }

  private contains(row: number, column: number): boolean {
    return row >= 0 && column >= 0 && row < this.size && column < this.size;
  }

  private alignments(): void {
    const centres = alignmentCentres(this.version, this.size);
    const last = centres.length - 1;
    centres.forEach((row, i) =>
      centres.forEach((column, j) => {
        const atFinder = (i === 0 && (j === 0 || j === last)) || (i === last && j === 0);
        if (!atFinder) this.alignment(row, column);
      }),
    );
  }

  private alignment(row: number, column: number): void {
    for (let y = -2; y <= 2; y += 1) {
      for (let x = -2; x <= 2; x += 1) {
        this.set(row + y, column + x, Math.max(Math.abs(x), Math.abs(y)) !== 1);
      }
    }
  }

  private format(mask: number): void {
    const bits = withCheck((LEVEL_M << 3) | mask, 10, 0x537) ^ 0x5412;
    const end = this.size - 1;
    for (let index = 0; index < 15; index += 1) {
      const dark = ((bits >> index) & 1) === 1;
      // beside the top left finder, around its corner and over the timing pattern
      if (index < 6) this.set(index, 8, dark);
      else if (index < 8) this.set(index + 1, 8, dark);
      else if (index === 8) this.set(8, 7, dark);
      else this.set(8, 14 - index, dark);
      // and once more beside the two others
      if (index < 8) this.set(8, end - index, dark);
      else this.set(end - 14 + index, 8, dark);
    }
    this.set(this.size - 8, 8, true);
  }

  private versionBits(): void {
    const bits = withCheck(this.version, 12, 0x1f25);
    for (let index = 0; index < 18; index += 1) {
      const dark = ((bits >> index) & 1) === 1;
      const far = this.size - 11 + (index % 3);
      const near = Math.floor(index / 3);
      this.set(far, near, dark);
      this.set(near, far, dark);
    }
  }
}

function square(size: number): Modules {
  return Array.from({ length: size }, () => new Array<boolean>(size).fill(false));
}

function alignmentCentres(version: number, size: number): number[] {
  if (version === 1) return [];
  const count = Math.floor(version / 7) + 2;
  const step = Math.ceil((size - 13) / (2 * (count - 1))) * 2;
  const fromEnd = Array.from({ length: count - 1 }, (_, index) => size - 7 - index * step);
  return [6, ...fromEnd.reverse()];
}

/** The value followed by `length` bits of its remainder: a BCH code. */
function withCheck(value: number, length: number, polynomial: number): number {
  let remainder = value;
  for (let index = 0; index < length; index += 1) {
    remainder = (remainder << 1) ^ ((remainder >> (length - 1)) * polynomial);
  }
  return (value << length) | remainder;
}

function penalty(modules: Modules): number {
  const size = modules.length;
  const columns = modules.map((_, column) => modules.map((line) => line[column]!)); // square
  const dark = modules.flat().filter(Boolean).length;
  const balance = Math.floor(Math.abs((dark * 100) / (size * size) - 50) / 5) * 10;
  return [...modules, ...columns].reduce((sum, line) => sum + linePenalty(line), blocks(modules) + balance);
}

const LOOKS_LIKE_FINDER = /(?=(?:0000)1011101|1011101(?:0000))/g;

function linePenalty(line: readonly boolean[]): number {
  const text = line.map((dark) => (dark ? "1" : "0")).join("");
  const runs = text.match(/0{5,}|1{5,}/g) ?? [];
  const long = runs.reduce((sum, run) => sum + run.length - 2, 0);
  return long + 40 * [...text.matchAll(LOOKS_LIKE_FINDER)].length;
}

function blocks(modules: Modules): number {
  let sum = 0;
  for (let row = 1; row < modules.length; row += 1) {
    for (let column = 1; column < modules.length; column += 1) {
      const colour = modules[row]![column];
      const same =
        modules[row - 1]![column] === colour &&
        modules[row]![column - 1] === colour &&
        modules[row - 1]![column - 1] === colour;
      if (same) sum += 3;
    }
  }
  return sum;
}
