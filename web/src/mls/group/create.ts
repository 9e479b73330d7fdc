// RFC 9420 section 11: a group begins with one member.

import type { Bytes } from "../../bytes.ts";
import type { Extensions } from "../messages/extensions.ts";
import { GroupContext } from "../messages/group_context.ts";
import { asLeafIndex } from "../messages/indexes.ts";
import { MLS10 } from "../messages/leaf_nodes.ts";
import { checkContextExtensions, checkMembers } from "../public_group/checks.ts";
import type { Policy } from "../public_group/policy.ts";
import { PublicGroup } from "../public_group/public_group.ts";
import { confirmationTag, epochStart } from "../schedule/key_schedule.ts";
import { treeHash } from "../tree/hashes.ts";
import { nodeOf } from "../tree/math.ts";
import { PrivateTree } from "../tree/private.ts";
import { RatchetTree } from "../tree/ratchet_tree.ts";
import { enterEpoch } from "./advance.ts";
import type { Group } from "./group.ts";
import { type OwnKeyPackage, suiteOf } from "./key_packages.ts";

const CREATOR = asLeafIndex(0);
const NOTHING = new Uint8Array(0);

/** A group of one in epoch 0, whose leaf is the key package's. */
export async function createGroup(
  own: OwnKeyPackage,
  groupId: Bytes,
  policy: Policy,
  extensions: Extensions = [],
): Promise<Group> {
  const suite = suiteOf(own);
  await checkContextExtensions(extensions, policy);
  const tree = RatchetTree.ofOne(suite, own.package.leafNode);
  checkMembers(tree, extensions, policy);
  const context = GroupContext.of({
    version: MLS10,
    cipherSuite: suite.number,
    groupId,
    epoch: 0n,
    treeHash: treeHash(tree),
    confirmedTranscriptHash: NOTHING,
    extensions,
  });
  const start = epochStart(suite, suite.randomSecret());
  const tag = confirmationTag(suite, start.secrets, context.confirmedTranscriptHash);
  const entrant = {
    public: new PublicGroup(context, tree, tag),
    private: new PrivateTree(CREATOR, new Map([[nodeOf(CREATOR), own.encryptionKey]])),
    signatureKey: own.signatureKey,
    past: [],
  };
  return enterEpoch(entrant, start);
}
