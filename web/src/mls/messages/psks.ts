// RFC 9420 section 8.4: the names of pre-shared keys.

import { type ValueOf, choice, opaque, select, struct, uint16, uint64 } from "../codec.ts";

/** Where the key comes from. */
export const PskType = { EXTERNAL: 1, RESUMPTION: 2 } as const;

/** What a resumption key is for. */
export const ResumptionUsage = { APPLICATION: 1, REINIT: 2, BRANCH: 3 } as const;
export type ResumptionUsage = (typeof ResumptionUsage)[keyof typeof ResumptionUsage];

/** A key that the application shared. */
export const ExternalPsk = struct("ExternalPsk", { pskId: opaque, pskNonce: opaque });
export type ExternalPsk = ValueOf<typeof ExternalPsk>;

/** A key that the members of a group shared in an epoch. */
export const ResumptionPsk = struct("ResumptionPsk", {
  usage: choice<ResumptionUsage>(1, ResumptionUsage),
  groupId: opaque,
  epoch: uint64,
  pskNonce: opaque,
});
export type ResumptionPsk = ValueOf<typeof ResumptionPsk>;

export const PreSharedKeyID = select(1, {
  [PskType.EXTERNAL]: ExternalPsk,
  [PskType.RESUMPTION]: ResumptionPsk,
});
export type PreSharedKeyID = ValueOf<typeof PreSharedKeyID>;

/** Section 8.4: what binds a key to its place in the list. */
export const PSKLabel = struct("PSKLabel", { id: PreSharedKeyID, index: uint16, count: uint16 });
