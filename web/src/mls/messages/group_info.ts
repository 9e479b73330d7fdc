// RFC 9420 section 12.4.3: a group's state for those who enter it.

import type { Bytes } from "../../bytes.ts";
import { type FieldValues, type ValueOf, opaque, struct, vector } from "../codec.ts";
import type { SignaturePrivateKey } from "../crypto/secrets.ts";
import type { CipherSuite } from "../crypto/suites.ts";
import { GroupInfoSignatureInvalid, InvalidKey, InvalidSignature } from "../errors.ts";
import { Extension, ExtensionType, ExternalPub, findExtension } from "./extensions.ts";
import { GroupContext } from "./group_context.ts";
import { leafIndex } from "./indexes.ts";
import { RatchetTreeExtension } from "./ratchet_tree.ts";

const LABEL = "GroupInfoTBS";

const content = {
  groupContext: GroupContext,
  extensions: vector(Extension),
  confirmationTag: opaque,
  signer: leafIndex,
};

/** Everything in a GroupInfo that its signature covers. */
export const GroupInfoContent = struct("GroupInfoContent", content);
export type GroupInfoContent = FieldValues<typeof content>;

/** The public state of a group, signed by a member. */
export const GroupInfo = struct("GroupInfo", { ...content, signature: opaque });
export type GroupInfo = ValueOf<typeof GroupInfo>;

export async function signGroupInfo(
  suite: CipherSuite,
  key: SignaturePrivateKey,
  info: GroupInfoContent,
): Promise<GroupInfo> {
  const signed = GroupInfoContent.encodeFields(info);
  return GroupInfo.of({ ...info, signature: await suite.signWithLabel(key, LABEL, signed) });
}

/** Section 12.4.3: signed by the member that it names. */
export async function checkGroupInfoSignature(suite: CipherSuite, info: GroupInfo, key: Bytes): Promise<void> {
  try {
    await suite.verifyWithLabel(key, LABEL, GroupInfoContent.encodeFields(info), info.signature);
  } catch (error) {
    if (error instanceof InvalidSignature || error instanceof InvalidKey) throw new GroupInfoSignatureInvalid();
    throw error;
  }
}

export function ratchetTreeOf(info: GroupInfo): RatchetTreeExtension | null {
  const data = findExtension(info.extensions, ExtensionType.RATCHET_TREE);
  return data === null ? null : RatchetTreeExtension.decode(data);
}

export function externalPubOf(info: GroupInfo): Bytes | null {
  const data = findExtension(info.extensions, ExtensionType.EXTERNAL_PUB);
  return data === null ? null : ExternalPub.decode(data).externalPub;
}
