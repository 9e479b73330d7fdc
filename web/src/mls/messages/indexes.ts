// Leaves and nodes are counted separately, so their indexes are two types.

import { type Codec, uint32 } from "../codec.ts";

declare const leafMark: unique symbol;
export type LeafIndex = number & { readonly [leafMark]: true };

declare const nodeMark: unique symbol;
export type NodeIndex = number & { readonly [nodeMark]: true };

// The marks exist for the compiler only, so these two casts are where indexes are made.

export function asLeafIndex(index: number): LeafIndex {
  return index as LeafIndex;
}

export function asNodeIndex(index: number): NodeIndex {
  return index as NodeIndex;
}

export const leafIndex: Codec<LeafIndex> = {
  write: uint32.write,
  read: (reader) => asLeafIndex(uint32.read(reader)),
};

export const nodeIndex: Codec<NodeIndex> = {
  write: uint32.write,
  read: (reader) => asNodeIndex(uint32.read(reader)),
};
