// Who is in a conversation: making one, adding people by a commit that must win its epoch, and
// joining by Welcome.

import { ProblemError, isProblem } from "../api/http.ts";
import { fromBase64, toBase64, uuidToBytes } from "../bytes.ts";
import { CredentialRefused, parseCredential } from "../identity.ts";
import { type Group, MlsRefused } from "../mls-engine.ts";
import type { ConversationRecord } from "../store/records.ts";
import { encodeEnvelope } from "./content.ts";
import type { Context } from "./context.ts";
import { Conversation, accountsIn, othersIn } from "./conversation.ts";
import { catchUp } from "./inbox.ts";
import type { ClaimedKeyPackage, ConversationInfo, WelcomeInfo } from "./server.ts";

const MOST_ATTEMPTS = 10;

function freshRecord(id: string, kind: "direct" | "group", at: string): ConversationRecord {
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
  };
}

/** Makes a conversation of this device alone. The state is kept before the server hears of it. */
export async function createConversation(
  context: Context,
  options: { id: string; kind: "direct" | "group"; name: string | null; personIds: string[] },
): Promise<Conversation> {
  const { id, kind, name, personIds } = options;
  const seconds = Math.floor(context.now() / 1000);
  const group = await context.mls.createGroup(uuidToBytes(id), seconds);
  const record = freshRecord(id, kind, new Date(context.now()).toISOString());
  const conversation = new Conversation(context.records, { ...record, name, personIds });
  await context.lock.run(() => conversation.save((_, unit) => context.trust.keep(unit), group));
  try {
    const info = await context.server.createConversation({
      id,
      kind,
      person_id: kind === "direct" ? (personIds[0] ?? null) : null,
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

export async function forget(context: Context, id: string): Promise<void> {
  await context.records.unit().remove("conversations", id).remove("groups", id).commit();
  context.conversations.delete(id);
  context.refresh();
}

export function membersOf(info: ConversationInfo): ConversationRecord["members"] {
  return Object.fromEntries(
    info.members.map((member) => [
      member.device_id,
      {
        personId: member.person_id,
        joinedPosition: member.joined_position,
        deliveredPosition: member.delivered_position,
      },
    ]),
  );
}

/** Key packages of every device of a person, each seen to be theirs. */
export async function claim(context: Context, personId: string): Promise<ClaimedKeyPackage[]> {
  const claimed = await context.server.claimKeyPackages(personId);
  const seconds = Math.floor(context.now() / 1000);
  try {
    for (const { device_id, key_package } of claimed) {
      const member = await context.mls.checkKeyPackage(fromBase64(key_package), seconds);
      const credential = parseCredential(member.identity);
      if (credential.accountId !== personId || credential.deviceId !== device_id) {
        throw new MlsRefused("a key package of somebody else");
      }
    }
  } catch (error) {
    const changed = context.trust.forget();
    if (!(error instanceof MlsRefused || error instanceof CredentialRefused)) throw error;
    const name = context.people.name(personId);
    throw changed.includes(personId)
      ? new ProblemError("identity_key_changed", `The security key of ${name} has changed.`)
      : new ProblemError("key_package_invalid", `The keys the server gave for ${name} are not valid.`);
  }
  return claimed;
}

/** Adds every device of these people that is not in the group; resolves when it is done. */
export async function addMembers(
  context: Context,
  conversation: Conversation,
  claimed: readonly ClaimedKeyPackage[],
): Promise<void> {
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
    await catchUp(context, conversation);
    if (!conversation.isOpen) throw new ProblemError("conversation_broken", conversation.record.notice ?? "");
    if (conversation.record.pendingCommit === null && !(await stage(context, conversation, claimed))) return;
    await submitPending(context, conversation);
  }
  throw new ProblemError("stale_epoch", "The members changed too often. Try again.");
}

/** Makes the commit and keeps it with the group it leads to. False: everybody is in already. */
function stage(
  context: Context,
  conversation: Conversation,
  claimed: readonly ClaimedKeyPackage[],
): Promise<boolean> {
  return context.lock.run(async () => {
    const group = await conversation.group();
    const present = new Set(group.members.map(({ identity }) => parseCredential(identity).deviceId));
    const lacking = claimed.filter(({ device_id }) => !present.has(device_id));
    if (lacking.length === 0) return false;
    const messageId = crypto.randomUUID();
    const envelope = encodeEnvelope({
      conversation_id: conversation.id,
      message_id: messageId,
      sender_device_id: context.me.deviceId,
      last_position: conversation.record.cursor,
    });
    const packages = lacking.map(({ key_package }) => fromBase64(key_package));
    const { commit, welcome, next } = await context.mls.commitAdds(group, packages, envelope);
    await conversation.save((draft, unit) => {
      context.trust.keep(unit);
      draft.pendingCommit = {
        messageId,
        commit: toBase64(commit),
        welcome: welcome && toBase64(welcome),
        next: toBase64(next.serialise()),
      };
    });
    return true;
  });
}

/** Sends the commit that is kept. It is applied, or dropped, where the log says so. */
export async function submitPending(context: Context, conversation: Conversation): Promise<void> {
  const pending = conversation.record.pendingCommit;
  if (pending === null) return;
  try {
    await context.connection.command({
      type: "submit_commit",
      conversation_id: conversation.id,
      message_id: pending.messageId,
      commit: pending.commit,
      welcome: pending.welcome,
    });
  } catch (error) {
    if (!(error instanceof ProblemError) || isProblem(error, "offline")) throw error;
    await catchUp(context, conversation);
    await dropPending(context, conversation, pending.messageId);
    if (isProblem(error, "stale_epoch") || isProblem(error, "already_member")) return;
    throw error;
  }
  await catchUp(context, conversation);
}

async function dropPending(context: Context, conversation: Conversation, messageId: string): Promise<void> {
  await context.lock.run(async () => {
    if (conversation.record.pendingCommit?.messageId !== messageId) return;
    context.trust.forget();
    await conversation.save((draft) => {
      draft.pendingCommit = null;
    });
  });
}

/** Joins, unless it is joined already. Rejects with `MlsRefused` when the Welcome is not for us. */
export async function join(context: Context, welcome: WelcomeInfo): Promise<Conversation> {
  const known = context.conversations.get(welcome.conversation_id);
  if (known && known.record.state !== "joining") return known;
  const info = await context.server.conversation(welcome.conversation_id);
  const conversation = await context.lock.run(() => enter(context, welcome, info));
  context.conversations.set(conversation.id, conversation);
  await context.people.ensure(conversation.record.personIds);
  context.refresh();
  return conversation;
}

async function enter(context: Context, welcome: WelcomeInfo, info: ConversationInfo): Promise<Conversation> {
  const bytes = fromBase64(welcome.welcome);
  const [reference, keyPackage] = await keyPackageFor(context, context.mls.welcomeReferences(bytes));
  let group: Group;
  try {
    group = await context.mls.join(bytes, fromBase64(keyPackage.secret), uuidToBytes(info.id));
    if (info.kind === "direct" && accountsIn(group).length !== 2) {
      throw new MlsRefused("not two in a direct conversation");
    }
    if (group.epoch !== welcome.epoch) throw new MlsRefused("a welcome to another epoch");
  } catch (error) {
    context.trust.forget();
    throw error;
  }
  const conversation = new Conversation(context.records, freshRecord(info.id, info.kind, info.created_at));
  await conversation.save((draft, unit) => {
    draft.state = "open";
    draft.cursor = welcome.position;
    draft.activeAt = new Date(context.now()).toISOString();
    draft.personIds = othersIn(group, context.me.personId);
    draft.members = membersOf(info);
    context.trust.keep(unit);
    if (!keyPackage.lastResort) unit.remove("keyPackages", reference);
  }, group);
  return conversation;
}

async function keyPackageFor(context: Context, references: readonly string[]) {
  for (const reference of references) {
    const keyPackage = await context.records.get("keyPackages", reference);
    if (keyPackage) return [reference, keyPackage] as const;
  }
  throw new MlsRefused("a welcome for a key package this device does not have");
}
