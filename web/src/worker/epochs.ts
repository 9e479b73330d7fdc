// How a conversation's group goes from epoch to epoch: proposals, and the commits that take them up.

import { type Bytes, fromBase64 } from "../bytes.ts";
import { CredentialRefused } from "../identity.ts";
import { MlsRefused } from "../mls-allowed.ts";
import { type Change, Group, type Member, changeBetween } from "../mls-group.ts";
import type { ConversationRecord, MembersChanged, Rejoined, Unit } from "../store/records.ts";
import { ContentRefused, checkSaidBy } from "./content.ts";
import type { Context } from "./context.ts";
import { type Conversation, accountsIn, othersIn } from "./conversation.ts";
import { receivedRecord, repeatTerms } from "./messages.ts";
import type { Entry } from "./server.ts";
import type { Sight } from "./trust.ts";
import { failWaiting } from "./unsent.ts";

const REFUSALS = [MlsRefused, ContentRefused, CredentialRefused, RangeError];
const STUCK =
  "This conversation stopped on this device: a change of its members could not be verified. " +
  "Nothing can be written here until you rejoin.";

export function isRefusal(error: unknown): boolean {
  return REFUSALS.some((refusal) => error instanceof refusal);
}

export function advance(draft: ConversationRecord, entry: Entry): void {
  draft.cursor = entry.position;
  draft.activeAt = entry.created_at;
}

export function bytesOf(entry: Entry): Bytes {
  try {
    return fromBase64(entry.data);
  } catch (cause) {
    throw new MlsRefused("not base64", { cause });
  }
}

/** Somebody wants to leave, or the server has revoked a device: whoever commits next removes it. */
export async function proposal(context: Context, conversation: Conversation, entry: Entry): Promise<void> {
  const group = await conversation.group();
  try {
    const rules = context.trust.look().at(Date.parse(entry.created_at));
    const taken = await context.mls.take(group, bytesOf(entry), rules);
    if (taken.kind !== "proposed") throw new MlsRefused("not a proposal");
    checkSaidBy(taken.sender?.deviceId ?? null, taken.authenticatedData, entry);
    await proposed(context, conversation, entry, taken.next);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    await conversation.saveReceived((draft) => passed(draft, entry)); // a commit of it is refused too
  }
}

/** The own wish to leave has its place; somebody else has to commit it. */
export async function ownProposal(context: Context, conversation: Conversation, entry: Entry): Promise<void> {
  const { pendingLeave } = conversation.record;
  const isMine = pendingLeave?.messageId === entry.message_id && pendingLeave.proposal === entry.data;
  if (!isMine) return conversation.saveReceived((draft) => passed(draft, entry));
  const rules = context.trust.look().at(Date.parse(entry.created_at));
  const next = await context.mls.takeOwn(await conversation.group(), bytesOf(entry), rules);
  await proposed(context, conversation, entry, next);
}

async function proposed(
  context: Context,
  conversation: Conversation,
  entry: Entry,
  next: Group,
): Promise<void> {
  await conversation.saveReceived((draft, unit) => {
    passed(draft, entry);
    if (isDeserted(next)) part(draft, unit, farewell(context, context.me.personId));
  }, next);
  if (conversation.isOpen) context.commitSoon(conversation);
  context.refresh();
}

/** All want to leave, so nobody is there to commit it: the conversation is over. */
function isDeserted(group: Group): boolean {
  return group.leaving.length === group.members.length;
}

function part(draft: ConversationRecord, unit: Unit, notice: string): void {
  draft.state = "left";
  draft.notice = notice;
  draft.pendingCommit = null;
  draft.pendingLeave = null;
  unit.remove("groups", draft.id).remove("trees", draft.id);
}

/** Nothing a person would look at: the conversation keeps its place in the list. */
export function passed(draft: ConversationRecord, entry: Entry): void {
  draft.cursor = entry.position;
}

export async function commit(context: Context, conversation: Conversation, entry: Entry): Promise<void> {
  const before = await conversation.group();
  const sight = context.trust.look();
  try {
    const taken = await context.mls.take(before, bytesOf(entry), sight.at(Date.parse(entry.created_at)));
    if (taken.kind !== "committed") throw new MlsRefused("not a commit");
    checkSaidBy(taken.sender.deviceId, taken.authenticatedData, entry);
    const { change, next, sender, isRejoin } = taken;
    if (next !== null && isRejoin) {
      const body: Rejoined = { type: "rejoined", added: [], removed: [] };
      return await nextEpoch(context, conversation, entry, { next, body, committer: sender.accountId, sight });
    }
    const body = membersChanged(before, change);
    if (next === null) await removed(context, conversation, entry, { body, change, committer: sender });
    else await nextEpoch(context, conversation, entry, { next, body, committer: sender.accountId, sight });
  } catch (error) {
    if (!isRefusal(error)) throw error;
    await stuck(context, conversation, entry, { sight, code: codeOf(error, sight) });
  }
}

/** The own commit won its epoch. Only now is it applied, at its place in the log. */
export async function ownCommit(context: Context, conversation: Conversation, entry: Entry): Promise<void> {
  const pending = conversation.record.pendingCommit;
  const sight = context.trust.look();
  const isMine = pending?.messageId === entry.message_id && pending.commit === entry.data;
  if (!isMine) return stuck(context, conversation, entry, { sight, code: "not_the_own_commit" });
  const before = await conversation.group();
  const next = Group.restore({ secret: fromBase64(pending.next.secret), tree: fromBase64(pending.next.tree) });
  const body = membersChanged(before, changeBetween(before, next));
  await nextEpoch(context, conversation, entry, { next, body, committer: context.me.personId, sight });
}

interface Step {
  readonly next: Group;
  readonly body: MembersChanged | Rejoined;
  readonly committer: string;
  readonly sight: Sight;
}

async function nextEpoch(context: Context, conversation: Conversation, entry: Entry, step: Step): Promise<void> {
  const { next, body, committer, sight } = step;
  const { kind } = conversation.record;
  if (kind === "direct" && accountsIn(next).length > 2) throw new MlsRefused("three in a direct conversation");
  const record = receivedRecord(conversation, entry, committer, body);
  // Whom a direct conversation is with is no news.
  const isNews = body.type === "rejoined" || peopleIn(kind === "direct" ? { ...body, added: [] } : body).length > 0;
  const others = othersIn(next, context.me.personId);
  await conversation.saveReceived((draft, unit) => {
    advance(draft, entry);
    if (kind === "group" || others.length > 0) draft.personIds = others;
    draft.pendingCommit = null;
    if (isNews) unit.put("messages", record.id, record);
    const hasNewcomers = body.type === "members" && body.added.length + body.newDevice.length > 0;
    if (committer === context.me.personId && hasNewcomers) repeatTerms(context, draft, unit);
    sight.keep(unit);
  }, next);
  context.refreshMembers(conversation);
  await context.people.ensure([committer, ...peopleIn(body)]);
  if (isNews) context.changed(conversation.id, [record.id]);
  context.refresh();
}

interface Farewell {
  readonly body: MembersChanged;
  readonly change: Change;
  readonly committer: Member;
}

/** A commit removed this device: what was read stays, and nothing more can be written. */
async function removed(
  context: Context,
  conversation: Conversation,
  entry: Entry,
  { body, change, committer }: Farewell,
): Promise<void> {
  const { me } = context;
  await context.people.ensure([committer.accountId]);
  const own = change.removed.find(({ member }) => member.deviceId === me.deviceId);
  const by = own?.by?.accountId ?? null;
  const record = receivedRecord(conversation, entry, committer.accountId, body);
  await conversation.saveReceived((draft, unit) => {
    advance(draft, entry);
    part(draft, unit, farewell(context, by));
    unit.put("messages", record.id, record);
  });
  await failWaiting(context, conversation);
  await context.people.ensure(peopleIn(body));
  context.changed(conversation.id, [record.id]);
  context.refresh();
}

function farewell(context: Context, by: string | null): string {
  if (by === null) return "This device was removed from the conversation. What you have read stays here.";
  if (by === context.me.personId) return "You left this conversation. What you have read stays here.";
  return `${context.people.name(by)} removed you from this conversation. What you have read stays here.`;
}

/** Devices came and went; people are told of people. */
export function membersChanged(before: Group, { added, removed: gone }: Change): MembersChanged {
  const old = new Set(accountsIn(before));
  const goneIds = new Set(gone.map(({ member }) => member.deviceId));
  const staying = before.members.filter(({ deviceId }) => !goneIds.has(deviceId));
  const now = new Set([...staying, ...added].map(({ accountId }) => accountId));
  const lost = gone.filter(({ member }) => !now.has(member.accountId));
  const accounts = (members: readonly Member[]) => [...new Set(members.map(({ accountId }) => accountId))];
  const lostBy = (is: (by: Member | null, member: Member) => boolean) =>
    accounts(lost.filter(({ by, member }) => is(by, member)).map(({ member }) => member));
  return {
    type: "members",
    added: accounts(added).filter((account) => !old.has(account)),
    removed: lostBy((by, member) => by !== null && by.accountId !== member.accountId),
    left: lostBy((by, member) => by?.accountId === member.accountId),
    revoked: lostBy((by) => by === null),
    newDevice: accounts(added).filter((account) => old.has(account)),
    lostDevice: accounts(gone.map(({ member }) => member)).filter((account) => now.has(account)),
  };
}

function peopleIn(body: MembersChanged | Rejoined): string[] {
  if (body.type === "rejoined") return [...body.added, ...body.removed];
  const { added, removed: gone, left, revoked, newDevice, lostDevice } = body;
  return [...added, ...gone, ...left, ...revoked, ...newDevice, ...lostDevice];
}

interface Reason {
  readonly sight: Sight;
  /** For whoever looks for the cause; it says nothing of what was read. */
  readonly code: string;
}

function codeOf(error: unknown, sight: Sight): string {
  if (sight.changed.length > 0) return "identity_key_changed";
  return error instanceof MlsRefused ? error.code : "not_as_the_server_says";
}

/** The next epoch cannot be reached from here: say so and by whom, and keep what there is. */
async function stuck(context: Context, conversation: Conversation, entry: Entry, reason: Reason): Promise<void> {
  const { sight, code } = reason;
  const sender = conversation.record.members[entry.sender_device_id ?? ""]?.personId ?? "";
  const record = receivedRecord(conversation, entry, sender, { type: "stuck" });
  await conversation.saveReceived((draft, unit) => {
    draft.state = "broken";
    draft.notice = sight.changed.length > 0 ? keyChanged(context, sight.changed) : STUCK;
    draft.failure = { position: entry.position, code };
    unit.put("messages", record.id, record);
  });
  context.reportFailure(conversation);
  if (sender !== "") await context.people.ensure([sender]);
  context.changed(conversation.id, [record.id]);
}

export function keyChanged(context: Context, accounts: readonly string[]): string {
  const names = accounts.map((account) => context.people.name(account)).join(", ");
  return `The security key of ${names} is not the one this device knows.`;
}
