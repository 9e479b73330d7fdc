// Every structure that has bytes of its own and a name outside its module, by that name.

import type { Value } from "../../src/mls/codec.ts";
import * as hpke from "../../src/mls/crypto/hpke.ts";
import * as ownKeyPackages from "../../src/mls/group/key_packages.ts";
import * as commits from "../../src/mls/messages/commits.ts";
import * as credentials from "../../src/mls/messages/credentials.ts";
import * as extensions from "../../src/mls/messages/extensions.ts";
import * as framing from "../../src/mls/messages/framing.ts";
import * as groupContext from "../../src/mls/messages/group_context.ts";
import * as groupInfo from "../../src/mls/messages/group_info.ts";
import * as keyPackages from "../../src/mls/messages/key_packages.ts";
import * as leafNodes from "../../src/mls/messages/leaf_nodes.ts";
import * as mlsMessage from "../../src/mls/messages/mls_message.ts";
import * as proposals from "../../src/mls/messages/proposals.ts";
import * as psks from "../../src/mls/messages/psks.ts";
import * as ratchetTree from "../../src/mls/messages/ratchet_tree.ts";
import * as welcome from "../../src/mls/messages/welcome.ts";
import * as keySchedule from "../../src/mls/schedule/key_schedule.ts";

interface AnyStructure {
  readonly kind: string;
  encode(value: Value): Uint8Array;
  decode(data: Uint8Array): Value;
}

function isStructure(value: unknown): value is AnyStructure {
  return typeof value === "object" && value !== null && "kind" in value && "encode" in value && "decode" in value;
}

const MODULES = [
  hpke, ownKeyPackages, commits, credentials, extensions, framing, groupContext, groupInfo, keyPackages, leafNodes,
  mlsMessage, proposals, psks, ratchetTree, welcome, keySchedule,
];

export const STRUCTURES: ReadonlyMap<string, AnyStructure> = new Map(
  MODULES.flatMap((module) => Object.values<unknown>(module).filter(isStructure)).map((each) => [each.kind, each]),
);
