// RFC 9420 section 12.4.1: making a commit, and the Welcome for those whom it adds.

import type { Bytes } from "../../bytes.ts";
import { replace } from "../codec.ts";
import type { Secret, SignaturePrivateKey } from "../crypto/secrets.ts";
import type { Encryptor } from "../crypto/suites.ts";
import { MLSError } from "../errors.ts";
import { Commit, InlineProposal, type ProposalOrRef, ProposalReference, type UpdatePath } from "../messages/commits.ts";
import { Member } from "../messages/framing.ts";
import { GroupContext } from "../messages/group_context.ts";
import { GroupInfo } from "../messages/group_info.ts";
import { keyPackageReference } from "../messages/key_packages.ts";
import { CommitSource, type LeafNodeContent, signLeaf } from "../messages/leaf_nodes.ts";
import { type MLSMessage, messageOf } from "../messages/mls_message.ts";
import type { Proposal } from "../messages/proposals.ts";
import type { PreSharedKeyID } from "../messages/psks.ts";
import { EncryptedGroupSecrets, GroupSecrets, PathSecret, Welcome } from "../messages/welcome.ts";
import type { Policy } from "../public_group/policy.ts";
import { ProposalList } from "../public_group/proposal_list.ts";
import { PublicGroup } from "../public_group/public_group.ts";
import { type Added, type Changes, changesOf } from "../public_group/transition.ts";
import { type Joiner, confirmationTag } from "../schedule/key_schedule.ts";
import type { NamedPsk } from "../schedule/psks.ts";
import { commonAncestor, nodeOf } from "../tree/math.ts";
import { withLeaf, withPathKeys } from "../tree/paths.ts";
import { type PathSecrets, PrivateTree, derivePath, known, privateKeysOf, publicKeysOf, sealPath } from "../tree/private.ts";
import type { RatchetTree } from "../tree/ratchet_tree.ts";
import { enterEpoch, joinerOf, noPathSecret, pastOf } from "./advance.ts";
import { type Group, type PskSource, noPsks } from "./group.ts";
import { type Framing, KEEP_LEAF, type LeafChanges, PUBLIC, checkOpen, frame, leafContent, sign } from "./messages.ts";
import { selectWaiting } from "./selection.ts";

const NOTHING = new Uint8Array(0);

/**
 * What to commit and how.
 *
 * `references` names waiting proposals; null takes all that go together. `path` asks for fresh
 * keys also where the proposals could do without.
 */
export interface CommitPlan {
  readonly proposals: readonly Proposal[];
  readonly references: readonly Bytes[] | null;
  readonly path: boolean;
  readonly leaf: LeafChanges;
  readonly framing: Framing;
  readonly treeInWelcome: boolean;
}

export const EVERYTHING_WAITING: CommitPlan = {
  proposals: [],
  references: null,
  path: true,
  leaf: KEEP_LEAF,
  framing: PUBLIC,
  treeInWelcome: true,
};

/**
 * A commit on its way. Keep `group` if it is accepted, `before` until then and otherwise.
 *
 * Send `welcome`, if there is one, only after the commit was accepted.
 */
export interface PendingCommit {
  readonly message: MLSMessage;
  readonly welcome: MLSMessage | null;
  readonly groupInfo: GroupInfo;
  readonly group: Group;
  readonly before: Group;
}

/** Who commits: the keys it signs with now and in the new leaf, and what the leaf says. */
export interface Author {
  readonly leaf: LeafNodeContent;
  readonly leafSignatureKey: SignaturePrivateKey;
}

/** Everything that follows from a committer's fresh keys, or from their absence. */
export interface MergedPath {
  readonly tree: RatchetTree;
  readonly provisional: GroupContext;
  readonly private: PrivateTree;
  readonly commitSecret: Secret;
  readonly updatePath: UpdatePath | null;
  readonly secrets: PathSecrets | null;
}

/** Commit proposals and fresh keys; rejects if the result would not be valid. */
export async function commit(
  group: Group,
  options: Partial<CommitPlan>,
  policy: Policy,
  psks: PskSource = noPsks,
): Promise<PendingCommit> {
  checkOpen(group);
  const plan = { ...EVERYTHING_WAITING, ...options };
  const items = await chosen(group, plan, policy, psks);
  const proposals = resolved(group, items);
  const sender = Member.of({ leafIndex: group.ownLeaf });
  const changes = await changesOf(group.context, group.tree, proposals, sender, policy);
  const named = pskNames(proposals).map((psk) => group.findPsk(psk, psks));
  const author = await authorOf(group, plan.leaf);
  const changesLeaf = Object.values(plan.leaf).some((change) => change !== undefined);
  const hasPath = plan.path || changesLeaf || proposals.needsPath;
  const merged = hasPath ? await makePath(changes, author, policy) : withoutPath(group, changes, policy);
  return finish(group, { plan, items, changes, merged, author, named });
}

/** What was decided before the commit is signed. */
interface Draft {
  readonly plan: CommitPlan;
  readonly items: readonly ProposalOrRef[];
  readonly changes: Changes;
  readonly merged: MergedPath;
  readonly author: Author;
  readonly named: readonly NamedPsk[];
}

/** Sign, confirm, frame; then write to those who are new. */
async function finish(group: Group, draft: Draft): Promise<PendingCommit> {
  const { plan, items, changes, merged, author, named } = draft;
  const { suite } = group;
  const content = await sign(group, Commit.of({ proposals: items, path: merged.updatePath }), plan.framing);
  const context = group.public.confirmed(merged.provisional, content);
  const { initSecret } = group.secrets;
  const joiner = joinerOf(suite, { initSecret, commitSecret: merged.commitSecret, psks: named }, context);
  const start = joiner.epochSecrets(GroupContext.encode(context));
  const tag = confirmationTag(suite, start.secrets, context.confirmedTranscriptHash);
  const auth = { signature: content.auth.signature, confirmationTag: tag };
  const sent = await frame(group, replace(content, { auth }), plan.framing);
  const public_ = new PublicGroup(context, merged.tree, tag, new Map(), changes.proposals.reinit);
  const signatureKey = merged.updatePath === null ? group.signatureKey : author.leafSignatureKey;
  const entrant = { public: public_, private: merged.private, signatureKey, past: pastOf(sent.group) };
  const next = enterEpoch(entrant, start);
  const groupInfo = await next.groupInfo({ withTree: plan.treeInWelcome });
  const welcome = await makeWelcome(draft, joiner, groupInfo);
  return { message: sent.message, welcome, groupInfo, group: next, before: sent.group };
}

async function chosen(
  group: Group,
  plan: CommitPlan,
  policy: Policy,
  psks: PskSource,
): Promise<readonly ProposalOrRef[]> {
  if (plan.references !== null) return itemsOf(plan.references, plan.proposals);
  const selected = selectWaiting(group, plan.proposals, policy);
  const items = itemsOf(selected, plan.proposals);
  if (selected.length === 0 || (await goTogether(group, items, policy, psks))) return items;
  return oneByOne(group, selected, plan, policy, psks);
}

/** Those that do go together, lest one member's bad proposal keep all others from committing. */
async function oneByOne(
  group: Group,
  selected: readonly Bytes[],
  plan: CommitPlan,
  policy: Policy,
  psks: PskSource,
): Promise<readonly ProposalOrRef[]> {
  let kept: readonly Bytes[] = [];
  for (const reference of selected) {
    const more = [...kept, reference];
    if (await goTogether(group, itemsOf(more, plan.proposals), policy, psks)) kept = more;
  }
  return itemsOf(kept, plan.proposals);
}

function itemsOf(references: readonly Bytes[], proposals: readonly Proposal[]): readonly ProposalOrRef[] {
  return [
    ...references.map((reference) => ProposalReference.of({ reference })),
    ...proposals.map((proposal) => InlineProposal.of({ proposal })),
  ];
}

/** Whether the proposals would make a valid commit; the caller commits them and is told why. */
async function goTogether(
  group: Group,
  items: readonly ProposalOrRef[],
  policy: Policy,
  psks: PskSource,
): Promise<boolean> {
  const proposals = resolved(group, items);
  const sender = Member.of({ leafIndex: group.ownLeaf });
  try {
    const changes = await changesOf(group.context, group.tree, proposals, sender, policy);
    changes.finish(changes.tree, policy);
    for (const psk of pskNames(proposals)) group.findPsk(psk, psks);
    return true;
  } catch (error) {
    if (error instanceof MLSError) return false;
    throw error;
  }
}

function resolved(group: Group, items: readonly ProposalOrRef[]): ProposalList {
  return ProposalList.resolve(items, Member.of({ leafIndex: group.ownLeaf }), group.public.proposals);
}

export function pskNames(proposals: ProposalList): readonly PreSharedKeyID[] {
  return proposals.of("PreSharedKey").map((proposal) => proposal.psk);
}

async function authorOf(group: Group, changes: LeafChanges): Promise<Author> {
  const leafSignatureKey = changes.signatureKey ?? group.signatureKey;
  const signatureKey = await group.suite.signature.publicKeyOf(leafSignatureKey);
  const content = leafContent(group.tree.leaf(group.ownLeaf), changes);
  return { leaf: { ...content, signatureKey }, leafSignatureKey };
}

function withoutPath(group: Group, changes: Changes, policy: Policy): MergedPath {
  return {
    tree: changes.tree,
    provisional: changes.finish(changes.tree, policy),
    private: group.private.keptFor(group.tree, changes.tree),
    commitSecret: noPathSecret(group.suite),
    updatePath: null,
    secrets: null,
  };
}

/** Section 7.5: fresh keys from the committer's leaf to the root, sealed to the others. */
export async function makePath(changes: Changes, author: Author, policy: Policy): Promise<MergedPath> {
  const { tree, committer, steps, addedLeaves } = changes;
  const { suite } = tree;
  const secrets = await derivePath(suite, suite.randomSecret(), steps.map((step) => step.node));
  const keyed = withPathKeys(tree, committer, steps, publicKeysOf(secrets));
  const pair = await suite.hpke.kem.generateKeyPair();
  const source = CommitSource.of({ parentHash: keyed.leafParentHash });
  const content = { ...author.leaf, encryptionKey: pair.public, source };
  const node = await signLeaf(suite, author.leafSignatureKey, content, changes.place);
  const merged = withLeaf(keyed, committer, node);
  const provisional = changes.finish(merged, policy);
  const context = GroupContext.encode(provisional);
  const updatePath = await sealPath(tree, steps, secrets, node, { added: addedLeaves, context });
  // Fresh keys for the whole path, so nothing known before is of use any more.
  const keys = new Map([[nodeOf(committer), pair.private], ...privateKeysOf(secrets)]);
  const { commitSecret } = secrets;
  return { tree: merged, provisional, private: new PrivateTree(committer, keys), commitSecret, updatePath, secrets };
}

/** Section 12.4.3.1: one Welcome for all whom the commit adds. */
async function makeWelcome(draft: Draft, joiner: Joiner, groupInfo: GroupInfo): Promise<MLSMessage | null> {
  const { changes, merged, named } = draft;
  if (changes.added.length === 0) return null;
  const { suite, welcomeKey } = joiner;
  const info = await suite.aead.seal(welcomeKey.key, welcomeKey.nonce, NOTHING, GroupInfo.encode(groupInfo));
  const psks = named.map((psk) => psk.id);
  const seal = suite.encryptorWithLabel("Welcome", info);
  const entries = changes.added.map((added) => {
    const pathSecret = pathSecretFor(added, changes, merged);
    const secrets = GroupSecrets.of({ joinerSecret: joiner.joinerSecret, pathSecret, psks });
    return sealSecrets(seal, added, secrets);
  });
  const secrets = await Promise.all(entries);
  return messageOf(Welcome.of({ cipherSuite: suite.number, secrets, encryptedGroupInfo: info }));
}

function pathSecretFor(added: Added, changes: Changes, merged: MergedPath): PathSecret | null {
  if (merged.secrets === null) return null;
  const ancestor = commonAncestor(added.leaf, changes.committer);
  return PathSecret.of({ pathSecret: known(merged.secrets.secrets, ancestor) });
}

async function sealSecrets(seal: Encryptor, added: Added, secrets: GroupSecrets): Promise<EncryptedGroupSecrets> {
  const sealed = await seal(added.keyPackage.initKey, GroupSecrets.encode(secrets));
  return EncryptedGroupSecrets.of({
    newMember: keyPackageReference(added.keyPackage),
    encryptedGroupSecrets: sealed,
  });
}
