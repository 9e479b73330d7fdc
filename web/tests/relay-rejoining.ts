// The relay's part for devices that cannot follow a group: their reports, and their way back into it.

import assert from "node:assert/strict";
import type { ConversationInfo, Entry, GroupNow, MemberInfo } from "../src/worker/server.ts";
import type { FailureReported } from "../src/wire.ts";
import { refuse } from "./refusals.ts";

interface Reported {
  info: ConversationInfo;
  log: readonly Entry[];
}

/** A device says by its own word which commit it could not apply; answers what the others hear of it. */
export function keepReport(
  { info, log }: Reported,
  { device_id }: MemberInfo,
  { position, code }: { position: number; code: string },
): FailureReported {
  const entry = log.find((one) => one.position === position && one.kind === "commit");
  const sender_device_id = entry?.sender_device_id ?? refuse("no_commit_there");
  assert.match(code, /^[a-z][a-z0-9_]{0,47}$/);
  const told = { position, sender_device_id, device_id };
  info.failures.push({ ...told, code });
  return { type: "failure_reported", conversation_id: info.id, ...told };
}

interface Kept {
  info: ConversationInfo;
  groupInfo: string;
  trees: ReadonlyMap<number, string>;
}

export function groupNow({ info: { epoch }, groupInfo: group_info, trees }: Kept): GroupNow {
  return { epoch, group_info, ratchet_tree: trees.get(epoch) ?? refuse("tree_not_kept") };
}

/** Who comes from outside replaces its own leaf, and nobody else's. */
export function checkReplacesItself(removed: readonly string[], deviceId: string): void {
  if (removed.join() !== deviceId) refuse("proposal_not_supported");
}

/** It reads what follows. */
export function enterAgain(member: MemberInfo, position: number): void {
  Object.assign(member, { joined_position: position, delivered_position: position });
}
