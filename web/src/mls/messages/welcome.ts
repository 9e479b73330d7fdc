// RFC 9420 section 12.4.3.1: how a new member gets in.

import type { Bytes } from "../../bytes.ts";
import { type ValueOf, opaque, optional, struct, uint16, vector } from "../codec.ts";
import { HPKECiphertext } from "../crypto/hpke.ts";
import { secret } from "../crypto/secrets.ts";
import { PreSharedKeyID } from "./psks.ts";

/** The secret of the lowest node above both the committer and the new member. */
export const PathSecret = struct("PathSecret", { pathSecret: secret });
export type PathSecret = ValueOf<typeof PathSecret>;

/** What is sealed to one new member's init key. */
export const GroupSecrets = struct("GroupSecrets", {
  joinerSecret: secret,
  pathSecret: optional(PathSecret),
  psks: vector(PreSharedKeyID),
});
export type GroupSecrets = ValueOf<typeof GroupSecrets>;

/** The secrets of one new member, named by its key package's hash. */
export const EncryptedGroupSecrets = struct("EncryptedGroupSecrets", {
  newMember: opaque,
  encryptedGroupSecrets: HPKECiphertext,
});
export type EncryptedGroupSecrets = ValueOf<typeof EncryptedGroupSecrets>;

/** An invitation to one or more new members. */
export const Welcome = struct("Welcome", {
  cipherSuite: uint16,
  secrets: vector(EncryptedGroupSecrets),
  encryptedGroupInfo: opaque,
});
export type Welcome = ValueOf<typeof Welcome>;

export function keyPackageReferences(welcome: Welcome): readonly Bytes[] {
  return welcome.secrets.map((entry) => entry.newMember);
}
