// How a conversation begins on this device: by making one, or by a Welcome.

import { ProblemError, isProblem } from "../api/http.ts";
import { type Bytes, fromBase64, toBase64, uuidToBytes } from "../bytes.ts";
import { MlsRefused } from "../mls-allowed.ts";
import type { Group } from "../mls-group.ts";
import type { ConversationRecord, KeyPackageRecord, Unit } from "../store/records.ts";
import { addMembers } from "./commits.ts";
import { encodeEnvelope } from "./content.ts";
import type { Context } from "./context.ts";
import { Conversation, accountsIn, isUnfinished, othersIn } from "./conversation.ts";
import { keyChanged } from "./epochs.ts";
import { catchUp } from "./inbox.ts";
import type { ClaimedKeyPackage, ConversationInfo, WelcomeInfo } from "./server.ts";
import type { Sight } from "./trust.ts";

const DECLINED = "The invitation was declined. Ask them, by another way, whether they have a new device.";

export function freshRecord(id: string, kind: "direct" | "group", at: string): ConversationRecord {
  return {
    id,
    kind,
    state: "creating",
    notice: null,
    cursor: 0,
    createdAt: at,
    activeAt: at,
    name: null,
    personIds: [],
    lastMessage: null,
    unread: 0,
    members: {},
    pendingCommit: null,
    pendingLeave: null,
  };
}

/** Makes a conversation of this device alone. The state is kept before the server hears of it. */
export async function createConversation(
  context: Context,
  options: { id: string; kind: "direct" | "group"; name: string | null; personIds: string[] },
): Promise<Conversation> {
  const { id, kind, name, personIds } = options;
  const sight = context.trust.look();
  const { group, groupInfo } = await context.mls.createGroup(uuidToBytes(id), sight.at(context.now()));
  const record = freshRecord(id, kind, new Date(context.now()).toISOString());
  const conversation = new Conversation(context.records, { ...record, name, personIds });
  await context.lock.run(() => conversation.save((_, unit) => sight.keep(unit), group));
  try {
    const info = await context.server.createConversation({
      id,
      kind,
      cipher_suite: group.suite,
      person_id: kind === "direct" ? (personIds[0] ?? null) : null,
      group_info: toBase64(groupInfo),
    });
    await context.lock.run(() =>
      conversation.save((draft) => {
        draft.state = "open";
        draft.createdAt = info.created_at;
        draft.members = membersOf(info);
      }),
    );
  } catch (error) {
    if (error instanceof ProblemError && error.status >= 400) await forget(context, id);
    throw error;
  }
  context.conversations.set(id, conversation);
  context.refresh();
  return conversation;
}

/** What the server never accepted is gone; what it may have accepted is asked about. */
export async function settleCreation(context: Context, conversation: Conversation): Promise<void> {
  try {
    const info = await context.server.conversation(conversation.id);
    await context.lock.run(() =>
      conversation.save((draft) => {
        draft.state = "open";
        draft.members = membersOf(info);
      }),
    );
  } catch (error) {
    if (!isProblem(error, "not_found")) throw error;
    await forget(context, conversation.id);
  }
}

/** A creation that was cut off before its first commit is brought to its end; answers its id. */
export async function finished(context: Context, conversation: Conversation): Promise<string> {
  if (conversation.record.state === "creating") await settleCreation(context, conversation);
  if (!conversation.isOpen) return conversation.id;
  const group = await conversation.group();
  if (!isUnfinished(conversation, group)) return conversation.id;
  await addMembers(context, conversation, await claims(context, conversation.record.personIds, group.suite));
  context.flush(conversation);
  return conversation.id;
}

export async function forget(context: Context, id: string): Promise<void> {
  const unit = context.records.unit();
  await unit.remove("conversations", id).remove("groups", id).remove("trees", id).commit();
  context.conversations.delete(id);
  context.refresh();
}

type Members = ConversationRecord["members"];

export function membersOf(info: ConversationInfo): Members {
  return Object.fromEntries(
    info.members.map((member) => [
      member.device_id,
      {
        personId: member.person_id,
        joinedPosition: member.joined_position,
        deliveredPosition: member.delivered_position,
        isGone: false,
      },
    ]),
  );
}

/** Those present, and those who were; a device that is in again stands there twice. */
export function withGone(present: Members, known: Members): Members {
  const gone = Object.entries(known).map(([key, member]) => {
    const again = present[key];
    const isAnother = again !== undefined && again.joinedPosition !== member.joinedPosition;
    return [isAnother ? `${key}@${member.joinedPosition}` : key, { ...member, isGone: true }];
  });
  return { ...Object.fromEntries(gone), ...present };
}

/** Key packages of every device of all these people. */
export async function claims(
  context: Context,
  personIds: readonly string[],
  suite: number,
): Promise<ClaimedKeyPackage[]> {
  const claimed = await Promise.all(personIds.map((person) => claim(context, person, suite)));
  return claimed.flat();
}

/** Key packages of every device of a person, each seen to be theirs. */
export async function claim(
  context: Context,
  personId: string,
  suite: number,
): Promise<ClaimedKeyPackage[]> {
  const claimed = await context.server.claimKeyPackages(personId, suite);
  const sight = context.trust.look();
  try {
    for (const { device_id, key_package } of claimed) {
      const member = await context.mls.checkKeyPackage(fromBase64(key_package), suite, sight.at(context.now()));
      if (member.accountId !== personId || member.deviceId !== device_id) {
        throw new MlsRefused("a key package of somebody else");
      }
    }
  } catch (error) {
    if (!(error instanceof MlsRefused)) throw error;
    throw whyNot(context, personId, sight.newKeyOf(personId));
  }
  return claimed;
}

function whyNot(context: Context, personId: string, identityKey: string | null): ProblemError {
  const name = context.people.name(personId);
  if (identityKey === null) {
    return new ProblemError("key_package_invalid", `The keys the server gave for ${name} are not valid.`);
  }
  const facts = { person_id: personId, identity_key: identityKey };
  return new ProblemError("identity_key_changed", `The security key of ${name} has changed.`, 0, facts);
}

/** Joins, unless it is joined already. Rejects with `MlsRefused` when the Welcome is not for us. */
export async function join(context: Context, welcome: WelcomeInfo): Promise<Conversation> {
  const known = context.conversations.get(welcome.conversation_id);
  // Added anew before this device knew that it had been removed: first things first.
  if (known?.isOpen && known.record.cursor < welcome.position) await catchUp(context, known);
  if (known && (known.record.state === "open" || known.record.state === "creating")) return known;
  const info = await context.server.conversation(welcome.conversation_id);
  const tree = fromBase64(await context.server.tree(info.id, welcome.epoch));
  const entered = await context.lock.run(() => enter(context, { welcome, info, tree }));
  const { conversation } = entered;
  context.conversations.set(conversation.id, conversation);
  if (entered.declined) await sayGoodbye(context, conversation, entered.declined);
  await context.people.ensure(conversation.record.personIds);
  context.refresh();
  return conversation;
}

interface Invitation {
  readonly welcome: WelcomeInfo;
  readonly info: ConversationInfo;
  readonly tree: Bytes;
}

interface Entered {
  readonly conversation: Conversation;
  /** The group that was entered only to be left. */
  readonly declined: Group | null;
}

async function enter(context: Context, invitation: Invitation): Promise<Entered> {
  const sight = context.trust.look();
  let opened: Opened;
  try {
    opened = await open(context, invitation, sight);
  } catch (error) {
    if (error instanceof MlsRefused && sight.changed.length > 0) return decline(context, invitation);
    throw error;
  }
  const { welcome, info } = invitation;
  const conversation = invited(context, info, opened);
  await conversation.save((draft, unit) => {
    draft.state = "open";
    draft.cursor = welcome.position;
    draft.activeAt = new Date(context.now()).toISOString();
    draft.members = membersOf(info);
    used(unit, opened);
    sight.keep(unit);
  }, opened.group);
  return { conversation, declined: null };
}

interface Opened {
  readonly group: Group;
  readonly reference: string;
  readonly keyPackage: KeyPackageRecord;
}

async function open(context: Context, { welcome, info, tree }: Invitation, sight: Sight): Promise<Opened> {
  const bytes = fromBase64(welcome.welcome);
  const [reference, keyPackage] = await keyPackageFor(context, context.mls.welcomeReferences(bytes));
  const place = { groupId: uuidToBytes(info.id), tree, rules: sight.at(context.now()) };
  const group = await context.mls.join(bytes, fromBase64(keyPackage.secret), place);
  if (info.kind === "direct" && accountsIn(group).length !== 2) {
    throw new MlsRefused("not two in a direct conversation");
  }
  if (group.epoch !== welcome.epoch) throw new MlsRefused("a welcome to another epoch");
  return { group, reference, keyPackage };
}

function invited(context: Context, info: ConversationInfo, { group }: Opened): Conversation {
  const record = freshRecord(info.id, info.kind, info.created_at);
  const personIds = othersIn(group, context.me.personId);
  return new Conversation(context.records, { ...record, personIds });
}

function used(unit: Unit, { reference, keyPackage }: Opened): void {
  if (!keyPackage.lastResort) unit.remove("keyPackages", reference);
}

/**
 * Enters only to leave again, so that whoever invited sees this device go. Nothing is pinned and
 * nothing is read. A direct conversation cannot be left: its Welcome waits until the key is trusted.
 */
async function decline(context: Context, invitation: Invitation): Promise<Entered> {
  const sight = context.trust.lookAside();
  const opened = await open(context, invitation, sight);
  await context.people.ensure(sight.changed);
  const conversation = invited(context, invitation.info, opened);
  await conversation.save((draft, unit) => {
    draft.state = "left";
    draft.notice = `${keyChanged(context, sight.changed)} ${DECLINED}`;
    if (draft.kind === "group") used(unit, opened);
  });
  return { conversation, declined: invitation.info.kind === "group" ? opened.group : null };
}

/** The server may not want to hear it, or others were quicker: then they see that nothing arrives. */
async function sayGoodbye(context: Context, declined: Conversation, group: Group): Promise<void> {
  const message_id = crypto.randomUUID();
  const envelope = encodeEnvelope({
    conversation_id: declined.id,
    message_id,
    sender_device_id: context.me.deviceId,
    last_position: 0,
  });
  const rules = context.trust.look().at(context.now());
  const proposal = toBase64(await context.mls.proposeLeaving(group, envelope, rules));
  try {
    await context.connection.command({
      type: "submit_proposal",
      conversation_id: declined.id,
      message_id,
      proposal,
    });
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
  }
}

async function keyPackageFor(context: Context, references: readonly string[]) {
  for (const reference of references) {
    const keyPackage = await context.records.get("keyPackages", reference);
    if (keyPackage) return [reference, keyPackage] as const;
  }
  throw new MlsRefused("a welcome for a key package this device does not have");
}
