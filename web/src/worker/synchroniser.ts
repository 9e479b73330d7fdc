// What the engine does by itself: when the server is there it catches up with what was missed and sends
// what waited, and from then on it takes what the server says.

import { isProblem } from "../api/http.ts";
import type { Files } from "../attachments/files.ts";
import { MlsRefused } from "../mls-allowed.ts";
import type { Event } from "../wire.ts";
import { commitWaiting, leave, submitPending } from "./commits.ts";
import type { Context } from "./context.ts";
import type { Conversation } from "./conversation.ts";
import { deliveryAdvanced, showOwn } from "./delivery.ts";
import { heardOfFailures } from "./failures.ts";
import { catchUp, hear } from "./inbox.ts";
import { replenish } from "./key-packages.ts";
import { Lock } from "./lock.ts";
import { finished, join, membersOf, settleCreation, withGone } from "./membership.ts";
import { keepIncarnation, knownIncarnation } from "./registration.ts";
import { comparePositions, noticeRestored } from "./restored.ts";
import type { ConversationInfo, WelcomeInfo } from "./server.ts";
import type { Whispers } from "./whispers.ts";

const NOT_LISTED = "You are not in this conversation any more. What you have read stays here.";
/** The group to which a Welcome led is not there any more, or not for us. */
const GONE = ["not_found", "tree_not_kept"];

export interface SynchroniserOptions {
  context: Context;
  files: Files;
  whispers: Whispers;
  /** For work nobody waits for. */
  background(work: () => Promise<unknown>): void;
}

export class Synchroniser {
  readonly #options: SynchroniserOptions;
  readonly #context: Context;
  readonly #behind = new Map<string, number>();
  readonly #welcomes = new Lock();

  constructor(options: SynchroniserOptions) {
    this.#options = options;
    this.#context = options.context;
  }

  /** After every `ready`: what was missed, then what waited here. */
  async synchronise(incarnation: string): Promise<void> {
    const context = this.#context;
    const known = await knownIncarnation(context.records);
    this.#options.whispers.reset();
    await this.acceptWelcomes();
    const infos = await context.server.conversations();
    for (const info of infos) {
      const conversation = context.conversations.get(info.id);
      const isOther = known !== null && known !== incarnation && conversation?.isOpen;
      if (isOther) await comparePositions(context, conversation, info);
      await this.#synchroniseOne(info);
    }
    if (known !== incarnation) await keepIncarnation(context.records, incarnation);
    const listed = new Set(infos.map(({ id }) => id));
    for (const conversation of [...context.conversations.values()]) {
      if (conversation.record.state === "creating") await settleCreation(context, conversation);
      if (conversation.isOpen && !listed.has(conversation.id)) await this.#goneFrom(conversation);
      if (conversation.isOpen) await this.resume(conversation);
      if (conversation.record.failure) this.#context.reportFailure(conversation);
    }
    this.#options.files.resume();
    await replenish(context);
    const unfinished = [...context.conversations.values()].filter(({ isOpen }) => isOpen);
    for (const conversation of unfinished) this.#options.background(() => finished(context, conversation));
    await context.people.ensure(unfinished.flatMap(({ record }) => record.personIds));
    this.#context.refresh();
  }

  /** What waited here while there was no connection. */
  async resume(conversation: Conversation): Promise<void> {
    const context = this.#context;
    await submitPending(context, conversation);
    if (conversation.isOpen && conversation.record.pendingLeave !== null) await leave(context, conversation);
    if (!conversation.isOpen) return;
    if ((await conversation.group()).leaving.length > 0) context.commitSoon(conversation);
    this.#context.flush(conversation);
    context.markDelivered(conversation);
  }

  /** The server does not list it any more: the log, as far as it is given to us, says why. */
  async #goneFrom(conversation: Conversation): Promise<void> {
    try {
      await catchUp(this.#context, conversation);
    } catch (error) {
      if (!isProblem(error, "not_found")) throw error;
    }
    if (!conversation.isOpen) return;
    await this.#context.lock.run(() =>
      conversation.save((draft) => {
        draft.state = "left";
        draft.notice = NOT_LISTED;
      }),
    );
  }

  async commitWaiting(conversation: Conversation): Promise<void> {
    if (!conversation.isWritable || (await conversation.group()).isLeaving) return;
    await commitWaiting(this.#context, conversation);
    this.#context.flush(conversation);
  }

  async #synchroniseOne(info: ConversationInfo): Promise<void> {
    const conversation = this.#context.conversations.get(info.id);
    if (!conversation?.isOpen) return;
    if (info.last_position < conversation.record.cursor) await noticeRestored(this.#context, conversation);
    if (info.last_position > conversation.record.cursor) await catchUp(this.#context, conversation);
    await this.#takeInfo(conversation, info);
  }

  async #takeInfo(conversation: Conversation, info: ConversationInfo): Promise<void> {
    await this.#takeMembers(conversation, info);
    await this.#takeLimit(conversation, info);
    await heardOfFailures(this.#context, conversation, info.failures);
  }

  async #takeMembers(conversation: Conversation, info: ConversationInfo): Promise<void> {
    const { members: known } = conversation.record;
    const members = withGone(membersOf(info), known);
    if (JSON.stringify(known) === JSON.stringify(members)) return;
    const positions = (record: typeof members) =>
      Object.values(record).map(({ deliveredPosition }) => deliveredPosition);
    await this.#context.lock.run(() =>
      conversation.save((draft) => {
        draft.members = members;
      }),
    );
    const from = Math.min(...positions(known), Infinity);
    const upTo = Math.max(...positions(members), 0);
    await showOwn(this.#context, conversation, Number.isFinite(from) ? from : 0, upTo);
  }

  async #takeLimit(conversation: Conversation, { retention_seconds }: ConversationInfo): Promise<void> {
    if ((conversation.record.limit ?? null) === retention_seconds) return;
    await this.#context.lock.run(() =>
      conversation.save((draft) => {
        draft.limit = retention_seconds;
      }),
    );
  }

  async refreshMembers(conversation: Conversation): Promise<void> {
    await this.#takeInfo(conversation, await this.#context.server.conversation(conversation.id));
  }

  async hear(event: Event): Promise<void> {
    const context = this.#context;
    switch (event.type) {
      case "ready": // the connection has told us
        return;
      case "ephemeral_arrived": {
        const conversation = context.conversations.get(event.conversation_id);
        if (conversation?.isOpen) await this.#options.whispers.hear(conversation, event);
        return;
      }
      case "key_packages_low":
        return replenish(context);
      case "welcome_arrived":
        return this.acceptWelcomes();
      case "delivery_advanced": {
        const conversation = context.conversations.get(event.conversation_id);
        if (conversation?.isOpen && event.device_id !== context.me.deviceId) {
          await deliveryAdvanced(context, conversation, event);
        }
        return;
      }
      case "failure_reported": {
        const conversation = context.conversations.get(event.conversation_id);
        if (conversation?.isOpen) await heardOfFailures(context, conversation, [event]);
        return;
      }
      case "entry_appended": {
        const conversation = context.conversations.get(event.conversation_id);
        if (!conversation?.isOpen) return;
        this.#options.whispers.stops(event.conversation_id, event.sender_device_id ?? "");
        if (!(await hear(context, conversation, event))) await this.#fillGap(conversation, event.position);
        this.#context.refresh();
      }
    }
  }

  /** Many entries may find the same gap; one fills it, up to the highest that was heard of. */
  async #fillGap(conversation: Conversation, upTo: number): Promise<void> {
    const already = this.#behind.get(conversation.id);
    this.#behind.set(conversation.id, Math.max(already ?? 0, upTo));
    if (already !== undefined) return;
    try {
      let before: number;
      do {
        before = conversation.record.cursor;
        await catchUp(this.#context, conversation);
        const { cursor } = conversation.record;
        if (cursor >= (this.#behind.get(conversation.id) ?? 0) || cursor === before) return;
      } while (conversation.isOpen);
    } finally {
      this.#behind.delete(conversation.id);
    }
  }

  acceptWelcomes(): Promise<void> {
    return this.#welcomes.run(async () => {
      for (const welcome of await this.#context.server.welcomes()) await this.#accept(welcome);
    });
  }

  async #accept(welcome: WelcomeInfo): Promise<void> {
    const context = this.#context;
    let conversation: Conversation;
    try {
      conversation = await join(context, welcome);
    } catch (error) {
      if (error instanceof MlsRefused) await this.#refusedWelcome(welcome.conversation_id);
      else if (!GONE.some((code) => isProblem(error, code))) throw error;
      return context.server.forgetWelcome(welcome.welcome_id); // it would never be anything else
    }
    const waitsForKey = conversation.record.kind === "direct" && conversation.record.state === "left";
    if (waitsForKey) return this.#context.refresh();
    await context.server.forgetWelcome(welcome.welcome_id);
    await catchUp(context, conversation);
    if (conversation.isOpen) await this.resume(conversation);
    this.#context.refresh();
  }

  async #refusedWelcome(conversationId: string): Promise<void> {
    const waiting = this.#context.conversations.get(conversationId);
    if (waiting?.record.state !== "joining") return;
    await this.#context.lock.run(() =>
      waiting.save((draft) => {
        draft.notice = "The invitation to this conversation could not be opened on this device.";
      }),
    );
    this.#context.refresh();
  }
}
