// What the application decides, handed to every operation that asks.

import { keyOf } from "../bytes_sets.ts";
import type { Judge } from "../messages/credentials.ts";
import { LONGEST_LIFETIME } from "../messages/key_packages.ts";
import type { LeafNode } from "../messages/leaf_nodes.ts";

/**
 * The application's part of the rules.
 *
 * `now`, in seconds since 1970, is the time at which the message was accepted for delivery, so
 * that a device which catches up judges as those did who were there; null skips lifetimes.
 * `clientOf` names the client behind a leaf: no group has two leaves of the same name.
 */
export interface Policy {
  readonly judge: Judge;
  readonly now: number | null;
  readonly longestLifetime: number;
  readonly clientOf: (leaf: LeafNode) => string;
}

export function policyOf(judge: Judge, rest: Partial<Omit<Policy, "judge">> = {}): Policy {
  const clientOf = (leaf: LeafNode): string => keyOf(leaf.signatureKey);
  return { judge, now: null, longestLifetime: LONGEST_LIFETIME, clientOf, ...rest };
}
