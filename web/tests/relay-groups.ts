// What the relay reads of MLS: public messages, public groups, and whose leaf is whose.

import { fromBase64, toBase64, utf8 } from "../src/bytes.ts";
import { parseCredential } from "../src/identity.ts";
import { BasicCredential } from "../src/mls/messages/credentials.ts";
import type { PublicMessage } from "../src/mls/messages/framing.ts";
import type { GroupInfo } from "../src/mls/messages/group_info.ts";
import type { LeafNode } from "../src/mls/messages/leaf_nodes.ts";
import { MLSMessage } from "../src/mls/messages/mls_message.ts";
import { RatchetTreeExtension } from "../src/mls/messages/ratchet_tree.ts";
import { policyOf } from "../src/mls/public_group/policy.ts";
import { PublicGroup } from "../src/mls/public_group/public_group.ts";
import { refuse } from "./refusals.ts";

export function bodyOf(base64: string): MLSMessage["body"] {
  return MLSMessage.decode(fromBase64(base64)).body;
}

export function publicMessageIn(base64: string): PublicMessage {
  const body = bodyOf(base64);
  return body.kind === "PublicMessage" ? body : refuse("commit_invalid");
}

export function groupInfoIn(base64: string): GroupInfo {
  const body = bodyOf(base64);
  return body.kind === "GroupInfo" ? body : refuse("group_info_invalid");
}

export function publicGroupOf(groupInfo: string): Promise<PublicGroup> {
  return PublicGroup.fromGroupInfo(groupInfoIn(groupInfo), policy());
}

export function deviceOf(leaf: LeafNode): string {
  const { credential } = leaf;
  return credential.kind === "BasicCredential" ? parseCredential(credential.identity).deviceId : refuse("commit_invalid");
}

export function treeOf(group: PublicGroup): string {
  return toBase64(RatchetTreeExtension.encode(group.tree.toExtension()));
}

export const SERVER = BasicCredential.of({ identity: utf8("SecureChat 1.0 Server") });

export function policy() {
  return policyOf(() => undefined, { now: Math.floor(Date.now() / 1000), clientOf: deviceOf });
}
