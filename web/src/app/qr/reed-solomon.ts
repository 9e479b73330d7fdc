// Reed–Solomon over GF(256) with the polynomial of QR codes, x^8 + x^4 + x^3 + x^2 + 1.

const POLYNOMIAL = 0x11d;

const EXP = new Uint8Array(512);
const LOG = new Uint8Array(256);
for (let power = 0, value = 1; power < 255; power += 1) {
  EXP[power] = EXP[power + 255] = value;
  LOG[value] = power;
  value <<= 1;
  if (value > 255) value ^= POLYNOMIAL;
}

function times(a: number, b: number): number {
  return a === 0 || b === 0 ? 0 : EXP[LOG[a]! + LOG[b]!]!; // both tables cover every byte
}

/** The product of (x - 2^i) for i below `degree`, highest power first, without its leading 1. */
function generator(degree: number): Uint8Array {
  const factors = new Uint8Array(degree);
  factors[degree - 1] = 1;
  for (let power = 0; power < degree; power += 1) {
    const root = EXP[power]!; // degree stays below 255
    for (let index = 0; index < degree; index += 1) {
      factors[index] = times(factors[index]!, root) ^ (factors[index + 1] ?? 0);
    }
  }
  return factors;
}

export function errorCorrection(data: Uint8Array, length: number): Uint8Array {
  const factors = generator(length);
  const remainder = new Uint8Array(length);
  for (const byte of data) {
    const lead = byte ^ remainder[0]!; // length is at least 1
    remainder.copyWithin(0, 1);
    remainder[length - 1] = 0;
    factors.forEach((factor, index) => {
      remainder[index] = remainder[index]! ^ times(factor, lead);
    });
  }
  return remainder;
}
