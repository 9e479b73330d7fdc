// The engine of one device of one person: what the pages may ask of it, and what it does by itself
// when the server speaks.

import { ProblemError, isProblem } from "../api/http.ts";
import { Files } from "../attachments/files.ts";
import { BlobFiles, type Staging } from "../attachments/staging.ts";
import { fromBase64 } from "../bytes.ts";
import { MlsEngine, MlsRefused } from "../mls-engine.ts";
import type { StorePort } from "../store/port.ts";
import type { IdentityRecord } from "../store/records.ts";
import type { Event } from "../wire.ts";
import { Committer, addMembers, commitWaiting, leave, removeMembers, submitPending } from "./commits.ts";
import { Connection, DEFAULT_TIMING, type Timing } from "./connection.ts";
import type { Context } from "./context.ts";
import { Conversation, isUnfinished } from "./conversation.ts";
import { DeliveryMarks, deliveryAdvanced, showOwn } from "./delivery.ts";
import { heardOfFailures, reportFailure } from "./failures.ts";
import { catchUp, hear } from "./inbox.ts";
import { replenish } from "./key-packages.ts";
import { Lock } from "./lock.ts";
import { claim, createConversation, freshRecord, join, membersOf, settleCreation, withGone } from "./membership.ts";
import { problemOf } from "./messages.ts";
import { Sender, discard, enqueue, retry } from "./outbox.ts";
import { People } from "./people.ts";
import type { Connection as ConnectionState, MessageView, Notification, Problem, Snapshot } from "./protocol.ts";
import { keepIncarnation, knownIncarnation, unlock } from "./registration.ts";
import { rejoin } from "./rejoining.ts";
import { comparePositions, noticeRestored } from "./restored.ts";
import type { ConversationInfo, Server, WelcomeInfo } from "./server.ts";
import { Teller } from "./teller.ts";
import { Trust } from "./trust.ts";
import { messageView, summaryOf } from "./views.ts";

export interface EngineOptions {
  personId: string;
  store: StorePort;
  server: Server;
  notify(notification: Notification): void;
  /** Where files lie while they are uploaded; otherwise they go with this engine. */
  staging?: Staging;
  now?: () => number;
  timing?: Timing;
}

const NOT_LISTED = "You are not in this conversation any more. What you have read stays here.";
/** The group to which a Welcome led is not there any more, or not for us. */
const GONE = ["not_found", "tree_not_kept"];

async function loadMls(identity: IdentityRecord, server: Server): Promise<MlsEngine> {
  const settings = await server.messagingSettings();
  const keys = {
    publicKey: fromBase64(identity.signaturePublicKey),
    privateKey: fromBase64(identity.signaturePrivateKey),
  };
  return MlsEngine.load(keys, fromBase64(identity.credential), {
    cipherSuite: settings.cipher_suite,
    externalSender: fromBase64(settings.external_sender),
  });
}

export class ChatEngine {
  readonly #context: Context;
  readonly #connection: Connection;
  readonly #sender: Sender;
  readonly #committer: Committer;
  readonly #teller: Teller;
  readonly #marks: DeliveryMarks;
  readonly #files: Files;
  readonly #store: StorePort;
  readonly #notify: (notification: Notification) => void;
  readonly #closing = new AbortController();
  readonly #behind = new Map<string, number>();
  readonly #welcomes = new Lock();
  #state: ConnectionState = "offline";
  #failure: Problem | null = null;

  /** Opens the stored keys and history; rejects with a `ProblemError`. `start` connects. */
  static async open(options: EngineOptions): Promise<ChatEngine> {
    const { deviceId, identity, records } = await unlock(options.store, options.server);
    const trust = await Trust.load(records);
    const mls = await loadMls(identity, options.server);
    const now = options.now ?? Date.now;
    const people = await People.load(options.server, records, now);
    const me = { personId: options.personId, deviceId };
    const engine = new ChatEngine(options, { me, mls, trust, records, people, now });
    for (const [id, record] of await records.all("conversations")) {
      engine.#context.conversations.set(id, new Conversation(records, record));
    }
    await engine.#files.load();
    return engine;
  }

  private constructor(
    options: EngineOptions,
    parts: Pick<Context, "me" | "mls" | "trust" | "records" | "people" | "now">,
  ) {
    this.#store = options.store;
    this.#notify = options.notify;
    this.#connection = new Connection(
      options.server,
      {
        ready: (incarnation) => this.#background(() => this.#synchronise(incarnation)),
        event: (event) => this.#background(() => this.#hear(event)),
        state: (state) => this.#setState(state),
        ended: (problem) => this.#fail(problem),
      },
      options.timing,
    );
    this.#context = {
      ...parts,
      server: options.server,
      connection: this.#connection,
      conversations: new Map(),
      lock: new Lock(),
      changed: (conversationId, messageIds) => this.#teller.messages(conversationId, messageIds),
      refresh: () => this.#teller.snapshot(),
      markDelivered: (conversation) => this.#marks.touch(conversation),
      refreshMembers: (conversation) => this.#background(() => this.#refreshMembers(conversation)),
      reportFailure: (conversation) => this.#background(() => reportFailure(this.#context, conversation)),
      commitSoon: (conversation) => this.#committer.soon(conversation),
      closed: this.#closing.signal,
    };
    this.#teller = new Teller({
      context: () => this.#context,
      snapshot: () => this.snapshot(),
      notify: this.#notify,
      failed: (error) => this.#fail(error),
    });
    this.#sender = new Sender(this.#context);
    const { commitWithin } = options.timing ?? DEFAULT_TIMING;
    this.#committer = new Committer(this.#context, commitWithin, (conversation) =>
      this.#background(() => this.#commitWaiting(conversation)),
    );
    this.#marks = new DeliveryMarks(this.#context);
    this.#files = new Files({
      context: this.#context,
      staging: options.staging ?? new BlobFiles(),
      notify: this.#notify,
      flush: (conversation) => this.#flush(conversation),
    });
  }

  start(): void {
    this.#connection.start();
    this.#teller.snapshot();
  }

  /** What the browser says of the network. */
  networkIs(state: "back" | "gone"): void {
    if (state === "back") this.#connection.hurry();
    else this.#connection.interrupt();
  }

  /** Nothing more is sent or told; what was being written is written to its end. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#connection.stop();
    await this.#context.lock.run(async () => this.#store.close());
  }

  snapshot(): Snapshot {
    const conversations = [...this.#context.conversations.values()]
      .sort((one, other) => (one.record.activeAt < other.record.activeAt ? 1 : -1))
      .map((conversation) => summaryOf(this.#context, conversation));
    return {
      phase: this.#failure ? "failed" : "ready",
      failure: this.#failure,
      connection: this.#state,
      me: { ...this.#context.me },
      conversations,
    };
  }

  // What pages ask -----------------------------------------------------------------------------

  async startDirect(personId: string, id: string): Promise<{ conversationId: string }> {
    const context = this.#context;
    if (personId === context.me.personId) {
      throw new ProblemError("not_found", "A conversation needs somebody else.");
    }
    const known = this.#directWith(personId);
    if (known) return { conversationId: await this.#finished(known) };
    await context.people.ensure([personId]);
    const claimed = await claim(context, personId, context.mls.suite);
    let conversation: Conversation;
    try {
      conversation = await createConversation(context, { id, kind: "direct", name: null, personIds: [personId] });
    } catch (error) {
      if (!isProblem(error, "direct_conversation_exists")) throw error;
      return { conversationId: await this.#existing(String(error.facts["conversation_id"]), personId) };
    }
    await addMembers(context, conversation, claimed);
    return { conversationId: conversation.id };
  }

  async createGroup(
    name: string,
    personIds: readonly string[],
    id: string,
  ): Promise<{ conversationId: string }> {
    const context = this.#context;
    const others = [...new Set(personIds)].filter((person) => person !== context.me.personId);
    const known = context.conversations.get(id);
    if (known) return { conversationId: await this.#finished(known) };
    await context.people.ensure(others);
    const claimed = await this.#claims(others, context.mls.suite);
    const conversation = await createConversation(context, {
      id,
      kind: "group",
      name: name.trim() === "" ? null : name.trim(),
      personIds: others,
    });
    await addMembers(context, conversation, claimed);
    this.#flush(conversation);
    return { conversationId: conversation.id };
  }

  async addPeople(conversationId: string, personIds: readonly string[]): Promise<null> {
    const conversation = this.#conversation(conversationId);
    const present = new Set([...conversation.record.personIds, this.#context.me.personId]);
    const lacking = personIds.filter((person) => !present.has(person));
    await this.#context.people.ensure(lacking);
    const { suite } = await conversation.group();
    await addMembers(this.#context, conversation, await this.#claims(lacking, suite));
    this.#flush(conversation);
    return null;
  }

  async removePerson(conversationId: string, personId: string): Promise<null> {
    const conversation = this.#conversation(conversationId);
    await removeMembers(this.#context, conversation, ({ accountId }) => accountId === personId);
    this.#flush(conversation);
    return null;
  }

  /** Of all devices of this person; the others here commit it. */
  async leaveConversation(conversationId: string): Promise<null> {
    const context = this.#context;
    const { personId, deviceId } = context.me;
    const conversation = this.#conversation(conversationId);
    await removeMembers(
      context,
      conversation,
      (member) => member.accountId === personId && member.deviceId !== deviceId,
    );
    await leave(context, conversation);
    this.#teller.snapshot();
    return null;
  }

  /** Only when a person asks for it: what was sent meanwhile stays unread on this device. */
  async rejoin(conversationId: string): Promise<null> {
    const conversation = this.#context.conversations.get(conversationId);
    if (!conversation) throw new ProblemError("not_found", "There is no such conversation.");
    await rejoin(this.#context, conversation);
    if (conversation.isOpen) await this.#resume(conversation);
    this.#teller.snapshot();
    return null;
  }

  /** From now on the account is known by this key; another one is a change again. */
  async acceptKey(personId: string, identityKey: string): Promise<null> {
    const { lock, records, trust } = this.#context;
    await lock.run(async () => {
      const unit = records.unit();
      trust.accept(unit, personId, identityKey);
      await unit.commit();
    });
    this.#background(() => this.#acceptWelcomes()); // one of theirs may have waited for this
    return null;
  }

  /** The person has read it. What cannot be used any more keeps saying why. */
  async dismissNotice(conversationId: string): Promise<null> {
    const conversation = this.#context.conversations.get(conversationId);
    if (conversation?.isOpen && conversation.record.notice !== null) {
      await this.#context.lock.run(() =>
        conversation.save((draft) => {
          draft.notice = null;
        }),
      );
      this.#teller.snapshot();
    }
    return null;
  }

  async sendText(conversationId: string, text: string, messageId: string): Promise<{ messageId: string }> {
    const conversation = this.#conversation(conversationId);
    await this.#reachable(conversation);
    await enqueue(this.#context, conversation, messageId, { type: "text", text });
    this.#flush(conversation);
    return { messageId };
  }

  /** Uploads and downloads. */
  get files(): Files {
    return this.#files;
  }

  async sendFile(conversationId: string, file: File, id: string): Promise<{ uploadId: string }> {
    const conversation = this.#conversation(conversationId);
    await this.#reachable(conversation);
    return this.#files.send(conversation, file, id);
  }

  async retry(conversationId: string, messageId: string): Promise<null> {
    const conversation = this.#conversation(conversationId);
    await retry(this.#context, messageId);
    this.#flush(conversation);
    return null;
  }

  async discard(conversationId: string, messageId: string): Promise<{ text: string }> {
    const text = await discard(this.#context, messageId);
    this.#notify({ type: "discarded", conversationId, messageId });
    return { text };
  }

  async messages(
    conversationId: string,
    before: string | null,
    limit: number,
  ): Promise<{ messages: MessageView[]; more: boolean }> {
    const context = this.#context;
    const conversation = context.conversations.get(conversationId);
    if (!conversation) throw new ProblemError("not_found", "There is no such conversation.");
    const oldest = before === null ? undefined : await context.records.get("messages", before);
    if (before !== null && !oldest) throw new ProblemError("not_found", "There is no such message.");
    const most = Math.min(Math.max(1, limit), 500);
    const found = await context.records.newest("messages", conversationId, oldest?.sequence ?? Infinity, most + 1);
    const shown = found.slice(0, most).reverse();
    await context.people.ensure(new Set(shown.map(({ senderId }) => senderId).filter((id) => id !== "")));
    const messages = shown.map((message) => messageView(context, conversation, message));
    return { messages, more: found.length > most };
  }

  async markSeen(conversationId: string): Promise<null> {
    const conversation = this.#context.conversations.get(conversationId);
    if (conversation && conversation.record.unread > 0) {
      await this.#context.lock.run(() =>
        conversation.save((draft) => {
          draft.unread = 0;
        }),
      );
      this.#teller.snapshot();
    }
    return null;
  }

  #conversation(id: string): Conversation {
    const conversation = this.#context.conversations.get(id);
    if (!conversation) throw new ProblemError("not_found", "There is no such conversation.");
    const { state, notice } = conversation.record;
    if (state === "broken") throw new ProblemError("conversation_broken", notice ?? "");
    if (state === "left") throw new ProblemError("not_a_member", notice ?? "");
    if (conversation.isOpen && !conversation.isWritable) {
      throw new ProblemError("leaving", "This device is leaving the conversation.");
    }
    if (state !== "open") {
      throw new ProblemError("conversation_joining", "The other side has not let this device in yet.");
    }
    return conversation;
  }

  #directWith(personId: string): Conversation | undefined {
    return [...this.#context.conversations.values()].find(
      ({ record }) => record.kind === "direct" && record.state !== "left" && record.personIds.includes(personId),
    );
  }

  async #claims(personIds: readonly string[], suite: number) {
    const claimed = await Promise.all(personIds.map((person) => claim(this.#context, person, suite)));
    return claimed.flat();
  }

  /** A creation that was cut off before its first commit is brought to its end. */
  async #finished(conversation: Conversation): Promise<string> {
    const context = this.#context;
    if (conversation.record.state === "creating") await settleCreation(context, conversation);
    if (!conversation.isOpen) return conversation.id;
    const group = await conversation.group();
    if (!isUnfinished(conversation, group)) return conversation.id;
    await addMembers(context, conversation, await this.#claims(conversation.record.personIds, group.suite));
    this.#flush(conversation);
    return conversation.id;
  }

  /** Whom it is for is in it; else a person would write to nobody, and never hear of it. */
  async #reachable(conversation: Conversation): Promise<void> {
    try {
      await this.#finished(conversation);
    } catch (error) {
      if (!isProblem(error, "offline")) throw error; // else it waits, as everything written offline
    }
  }

  /** Somebody made it already: it is here, or its Welcome is on the way. */
  async #existing(id: string, personId: string): Promise<string> {
    const context = this.#context;
    await this.#acceptWelcomes();
    if (context.conversations.has(id)) return id;
    const record = freshRecord(id, "direct", new Date(context.now()).toISOString());
    const conversation = new Conversation(context.records, { ...record, state: "joining", personIds: [personId] });
    await context.lock.run(() => conversation.save(() => undefined));
    context.conversations.set(id, conversation);
    this.#teller.snapshot();
    return id;
  }

  // What the server says -----------------------------------------------------------------------

  /** After every `ready`: what was missed, then what waited here. */
  async #synchronise(incarnation: string): Promise<void> {
    const context = this.#context;
    const known = await knownIncarnation(context.records);
    await this.#acceptWelcomes();
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
      if (conversation.isOpen) await this.#resume(conversation);
      if (conversation.record.failure) this.#context.reportFailure(conversation);
    }
    this.#files.resume();
    await replenish(context);
    const unfinished = [...context.conversations.values()].filter(({ isOpen }) => isOpen);
    for (const conversation of unfinished) this.#background(() => this.#finished(conversation));
    await context.people.ensure(unfinished.flatMap(({ record }) => record.personIds));
    this.#teller.snapshot();
  }

  /** What waited here while there was no connection. */
  async #resume(conversation: Conversation): Promise<void> {
    const context = this.#context;
    await submitPending(context, conversation);
    if (conversation.isOpen && conversation.record.pendingLeave !== null) await leave(context, conversation);
    if (!conversation.isOpen) return;
    if ((await conversation.group()).leaving.length > 0) context.commitSoon(conversation);
    this.#flush(conversation);
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

  async #commitWaiting(conversation: Conversation): Promise<void> {
    if (!conversation.isWritable || (await conversation.group()).isLeaving) return;
    await commitWaiting(this.#context, conversation);
    this.#flush(conversation);
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

  async #refreshMembers(conversation: Conversation): Promise<void> {
    await this.#takeInfo(conversation, await this.#context.server.conversation(conversation.id));
  }

  async #hear(event: Event): Promise<void> {
    const context = this.#context;
    switch (event.type) {
      case "ready": // the connection has told us
      case "ephemeral_arrived": // nothing here shows yet that somebody is typing
        return;
      case "key_packages_low":
        return replenish(context);
      case "welcome_arrived":
        return this.#acceptWelcomes();
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
        if (!(await hear(context, conversation, event))) await this.#fillGap(conversation, event.position);
        this.#teller.snapshot();
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

  #acceptWelcomes(): Promise<void> {
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
    if (waitsForKey) return this.#teller.snapshot();
    await context.server.forgetWelcome(welcome.welcome_id);
    await catchUp(context, conversation);
    if (conversation.isOpen) await this.#resume(conversation);
    this.#teller.snapshot();
  }

  async #refusedWelcome(conversationId: string): Promise<void> {
    const waiting = this.#context.conversations.get(conversationId);
    if (waiting?.record.state !== "joining") return;
    await this.#context.lock.run(() =>
      waiting.save((draft) => {
        draft.notice = "The invitation to this conversation could not be opened on this device.";
      }),
    );
    this.#teller.snapshot();
  }

  // What pages are told --------------------------------------------------------------------------

  #setState(state: ConnectionState): void {
    this.#state = state;
    this.#teller.snapshot();
  }

  #fail(problem: unknown): void {
    this.#failure = problemOf(problem);
    this.#teller.snapshot();
  }

  #flush(conversation: Conversation): void {
    this.#background(() => this.#sender.flush(conversation));
  }

  /** Work nobody waits for. What the server refuses or cannot hear now comes again with `ready`. */
  #background(work: () => Promise<unknown>): void {
    work().catch((error: unknown) => {
      if (this.#closing.signal.aborted || error instanceof ProblemError) return;
      this.#fail(error);
    });
  }
}
