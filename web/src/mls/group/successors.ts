// RFC 9420 sections 11.2 and 11.3: groups that continue another, whole or in part.

import { type Bytes, randomBytes } from "../../bytes.ts";
import { sameValue } from "../codec.ts";
import { NotReinitialised, ParentMismatch } from "../errors.ts";
import type { UncheckedKeyPackage } from "../messages/key_packages.ts";
import { Add, PreSharedKey, ReInit } from "../messages/proposals.ts";
import { ResumptionPsk, ResumptionUsage } from "../messages/psks.ts";
import type { Policy } from "../public_group/policy.ts";
import { type PendingCommit, commit } from "./commit.ts";
import { createGroup } from "./create.ts";
import { type Group, noPsks } from "./group.ts";
import type { OwnKeyPackage } from "./key_packages.ts";

/**
 * Section 11.2: the new group that the committed ReInit proposal announced.
 *
 * `others` are fresh key packages of all other members, for the new cipher suite.
 */
export async function reinitialise(
  old: Group,
  own: OwnKeyPackage,
  others: readonly UncheckedKeyPackage[],
  policy: Policy,
): Promise<PendingCommit> {
  const announced = old.public.reinit;
  if (announced === null) throw new NotReinitialised();
  const fresh = await createGroup(own, announced.groupId, policy, announced.extensions);
  return continueAs(old, fresh, others, ResumptionUsage.REINIT, policy);
}

/** Section 11.3: a new group of some of the members, with fresh key packages of theirs. */
export async function branch(
  old: Group,
  own: OwnKeyPackage,
  others: readonly UncheckedKeyPackage[],
  groupId: Bytes,
  policy: Policy,
): Promise<PendingCommit> {
  const fresh = await createGroup(own, groupId, policy, old.context.extensions);
  return continueAs(old, fresh, others, ResumptionUsage.BRANCH, policy);
}

async function continueAs(
  old: Group,
  fresh: Group,
  others: readonly UncheckedKeyPackage[],
  usage: ResumptionUsage,
  policy: Policy,
): Promise<PendingCommit> {
  const pskNonce = randomBytes(fresh.suite.hash.size);
  const psk = ResumptionPsk.of({ usage, groupId: old.groupId, epoch: old.epoch, pskNonce });
  const adds = others.map((keyPackage) => Add.of({ keyPackage }));
  const plan = { proposals: [...adds, PreSharedKey.of({ psk })] };
  const pending = await commit(fresh, plan, policy, (name) => old.findPsk(name, noPsks).secret);
  checkParent(pending.group, old, psk, policy);
  return pending;
}

/** That the new group is what the old one agreed to; throws `ParentMismatch`. */
export function checkParent(fresh: Group, old: Group, psk: ResumptionPsk, policy: Policy): void {
  if (fresh.epoch !== 1n) throw new ParentMismatch();
  if (psk.usage === ResumptionUsage.REINIT) checkReinit(fresh, old, psk, policy);
  else checkBranch(fresh, old, policy);
}

/** Section 11.2: announced in every detail, and nobody left behind. */
function checkReinit(fresh: Group, old: Group, psk: ResumptionPsk, policy: Policy): void {
  const { groupId, version, cipherSuite, extensions } = fresh.context;
  const opened = ReInit.of({ groupId, version, cipherSuite, extensions });
  const announced = old.public.reinit;
  const isAnnounced = announced !== null && sameValue(ReInit, announced, opened) && psk.epoch === old.epoch;
  if (!isAnnounced) throw new ParentMismatch();
  if (!isSubset(clients(old, policy), clients(fresh, policy))) throw new ParentMismatch();
}

/** Section 11.3: the same kind of group, and nobody who was not there. */
function checkBranch(fresh: Group, old: Group, policy: Policy): void {
  const isSameKind = fresh.context.version === old.context.version && fresh.suite.number === old.suite.number;
  if (!isSameKind) throw new ParentMismatch();
  if (!isSubset(clients(fresh, policy), clients(old, policy))) throw new ParentMismatch();
}

function clients(group: Group, policy: Policy): ReadonlySet<string> {
  return new Set(group.tree.leaves().map(policy.clientOf));
}

function isSubset(one: ReadonlySet<string>, other: ReadonlySet<string>): boolean {
  return [...one].every((name) => other.has(name));
}
