// Points of low order, in every form in which they can be written: nobody takes them.
//
// Every exchange with one yields zero (RFC 7748 section 6), and with one for a key or in a signature
// anything may pass.

import { keyOf } from "../bytes_sets.ts";
import { toBytes } from "./nist.ts";

/** How long a coordinate is, and the bytes in which it is written. */
interface Size {
  readonly bits: number;
  readonly size: number;
}

/** Reduced or not, with the bit above the coordinate, if there is one, set or not; as `keyOf` has them. */
export function formsOf(coordinates: readonly bigint[], prime: bigint, { bits, size }: Size): ReadonlySet<string> {
  const end = 1n << BigInt(bits);
  const numbers = coordinates.flatMap((y) => [y, y + prime]).filter((y) => y < end);
  const flags = bits < 8 * size ? [0n, end] : [0n];
  const all = numbers.flatMap((y) => flags.map((flag) => y + flag));
  return new Set(all.map((each) => keyOf(toBytes(each, size).toReversed())));
}

const PRIME_25519 = 2n ** 255n - 19n;
// Those of order 8; the others are 0, 1 and -1 on all curves.
const ORDER_8_X25519 = [
  325606250916557431795983626356110631294008115727848805560023387167927233504n,
  39382357235489614581723060781553021112529911719440698176882885853963445705823n,
];
const ORDER_8_ED25519 = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n;
const SIZE_25519 = { bits: 255, size: 32 };

export const LOW_ORDER_X25519 = formsOf([0n, 1n, PRIME_25519 - 1n, ...ORDER_8_X25519], PRIME_25519, SIZE_25519);
export const LOW_ORDER_ED25519 = formsOf(
  [0n, 1n, PRIME_25519 - 1n, ORDER_8_ED25519, PRIME_25519 - ORDER_8_ED25519],
  PRIME_25519,
  SIZE_25519,
);
