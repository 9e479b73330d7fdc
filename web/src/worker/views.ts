// What pages see of the records.

import type { MembersChanged, MessageBody, MessageRecord, NoticeBody, Rejoined } from "../store/records.ts";
import { isSaid, messageAt } from "./amendments.ts";
import type { Context } from "./context.ts";
import type { Conversation } from "./conversation.ts";
import { deliveryOf } from "./delivery.ts";
import { durationOf } from "../durations.ts";
import { longestOf } from "./lifetimes.ts";
import { type ConversationSummary, MOST_QUOTED_CHARACTERS, type MessageView, type Quote, type ReactionView } from "./protocol.ts";

const EXPIRED = "A message has expired before it came to this device.";
const UNREADABLE = "A message could not be opened.";

const GONE: Quote = { id: null, senderName: "", text: "" };

function listOf(names: readonly string[]): string {
  return new Intl.ListFormat("en", { type: "conjunction" }).format(names);
}

export function summaryOf(context: Context, conversation: Conversation): ConversationSummary {
  const { record } = conversation;
  const names = record.personIds.map((id) => context.people.name(id));
  return {
    id: record.id,
    kind: record.kind,
    title: (record.kind === "group" ? record.name : null) ?? listOf(names),
    personIds: [...record.personIds],
    lastMessage: record.lastMessage && { ...record.lastMessage },
    unread: record.unread,
    state: stateOf(conversation),
    notice: record.notice,
    draft: record.draft ?? "",
    lifetime: record.lifetime ?? null,
    longest: longestOf(context, record),
  };
}

function stateOf({ record, isOpen, isWritable }: Conversation): ConversationSummary["state"] {
  if (isOpen && !isWritable) return "leaving";
  return record.state === "creating" ? "joining" : record.state;
}

/** With what it answers, as far as that is still here. */
export async function messageView(
  context: Context,
  conversation: Conversation,
  message: MessageRecord,
): Promise<MessageView> {
  const { body } = message;
  const mine = message.senderId === context.me.personId;
  return {
    id: message.id,
    conversationId: message.conversationId,
    position: message.position,
    kind: body.type === "text" || body.type === "file" ? body.type : "notice",
    senderId: message.senderId,
    senderName: message.senderId === "" ? "" : context.people.name(message.senderId),
    mine,
    text: textOf(context, message.senderId, body),
    file: body.type === "file" ? { name: body.name, mediaType: body.mediaType, size: body.size } : null,
    at: message.at,
    delivery: deliveryOf(conversation.record, message, context.me.deviceId),
    problem: message.problem,
    unsent: message.unsent?.problem ?? null,
    reply: message.replyTo === undefined ? null : await quoteOf(context, conversation, message.replyTo),
    isEdited: message.isEdited ?? false,
    reactions: reactionsOf(context, message.reactions ?? {}),
    until: message.dueAt === undefined ? null : new Date(message.dueAt).toISOString(),
  };
}

async function quoteOf(context: Context, { id }: Conversation, position: number): Promise<Quote> {
  const message = await messageAt(context, id, position);
  if (message === null || !isSaid(message)) return GONE;
  const senderName = message.senderId === context.me.personId ? "" : context.people.name(message.senderId);
  return { id: message.id, senderName, text: textOf(context, message.senderId, message.body).slice(0, MOST_QUOTED_CHARACTERS) };
}

function reactionsOf(context: Context, reactions: Readonly<Record<string, string>>): ReactionView[] {
  const { personId: me } = context.me;
  return [...new Set(Object.values(reactions))].map((emoji) => {
    const people = Object.keys(reactions).filter((person) => reactions[person] === emoji);
    const others = people.filter((person) => person !== me).map((person) => context.people.name(person));
    const mine = people.includes(me);
    return { emoji, names: mine ? ["You", ...others] : others, mine };
  });
}

function textOf(context: Context, senderId: string, body: MessageBody): string {
  if (body.type === "text") return body.text;
  return body.type === "file" ? body.name : noticeText(context, senderId, body);
}

function noticeText(context: Context, senderId: string, body: NoticeBody): string {
  const sender = senderId === context.me.personId ? "You" : context.people.name(senderId);
  switch (body.type) {
    case "members":
      return membersText(context, sender, body);
    case "named":
      return `${sender} named the conversation “${body.name}”.`;
    case "lifetime":
      return lifetimeText(sender, body.lifetime);
    case "rejoined":
      return rejoinedText(context, senderId, body);
    case "stuck":
      return sender === "You"
        ? "Your change came back as another one and could not be applied on this device."
        : `${sender || "Somebody"} made a change that could not be applied on this device.`;
    case "stuck_elsewhere":
      return stuckElsewhere(context, sender, Object.values(body.devices));
    case "deleted":
      return `${sender} deleted this message.`;
    case "expired":
      return EXPIRED;
    case "unreadable":
      return UNREADABLE;
  }
}

function lifetimeText(sender: string, lifetime: number | null): string {
  if (lifetime === null) return `${sender} turned disappearing messages off.`;
  return `${sender} made new messages disappear after ${durationOf(lifetime)}.`;
}

function stuckElsewhere(context: Context, sender: string, people: readonly string[]): string {
  const names = [...new Set(people)].map((id) => (id === context.me.personId ? "you" : context.people.name(id)));
  const whose = sender === "You" ? "Your change" : `A change by ${sender || "somebody"}`;
  return `${whose} could not be applied on a device of ${listOf(names)}.`;
}

function rejoinedText(context: Context, senderId: string, { added, removed }: Rejoined): string {
  if (senderId !== context.me.personId) return `${context.people.name(senderId)} rejoined.`;
  const named = (ids: readonly string[]) => listOf(ids.map((id) => context.people.name(id)));
  return [
    "You rejoined. What was sent before this and after the change that failed cannot be read on this device.",
    ...(added.length > 0 ? [`Here since then: ${named(added)}.`] : []),
    ...(removed.length > 0 ? [`Not here any more: ${named(removed)}.`] : []),
  ].join(" ");
}

function membersText(context: Context, sender: string, changed: MembersChanged): string {
  const { personId: me } = context.me;
  const named = (ids: readonly string[], self: string): string =>
    listOf(ids.map((id) => (id === me ? self : context.people.name(id))));
  const { added, removed, left, revoked, newDevice, lostDevice } = changed;
  const sentences: [readonly string[], (ids: readonly string[]) => string][] = [
    [left, (ids) => `${named(ids, "You")} left.`],
    [removed, (ids) => `${sender} removed ${named(ids, "you")}.`],
    [revoked, (ids) => `${named(ids, "You")} can no longer read this conversation: the device was revoked.`],
    [lostDevice, (ids) => `A device of ${named(ids, "yours")} was removed.`],
    [newDevice, (ids) => `A new device of ${named(ids, "yours")} was added.`],
    [added, (ids) => `${sender} added ${named(ids, "you")}.`],
  ];
  const said = sentences.filter(([ids]) => ids.length > 0).map(([ids, say]) => say(ids));
  return said.join(" ");
}
