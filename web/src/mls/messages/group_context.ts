// RFC 9420 section 8.1: what the members of a group agree on in an epoch.

import { type ValueOf, opaque, struct, uint16, uint64, vector } from "../codec.ts";
import { Extension } from "./extensions.ts";

/** Bound into every key and signature of the epoch. */
export const GroupContext = struct("GroupContext", {
  version: uint16,
  cipherSuite: uint16,
  groupId: opaque,
  epoch: uint64,
  treeHash: opaque,
  confirmedTranscriptHash: opaque,
  extensions: vector(Extension),
});
export type GroupContext = ValueOf<typeof GroupContext>;
