// The engine of one device of one person: its parts, and what the pages may ask of it.

import { ProblemError, isProblem } from "../api/http.ts";
import { Files } from "../attachments/files.ts";
import { BlobFiles, type Staging } from "../attachments/staging.ts";
import { fromBase64 } from "../bytes.ts";
import { MlsEngine } from "../mls-engine.ts";
import type { StorePort } from "../store/port.ts";
import type { IdentityRecord } from "../store/records.ts";
import { Committer, addMembers, leave, removeMembers } from "./commits.ts";
import { Connection, DEFAULT_TIMING, type Timing } from "./connection.ts";
import { isLifetime } from "./content.ts";
import type { Context } from "./context.ts";
import { Conversation } from "./conversation.ts";
import { DeliveryMarks } from "./delivery.ts";
import { reportFailure } from "./failures.ts";
import { Lifetimes } from "./lifetimes.ts";
import { Lock } from "./lock.ts";
import { claim, claims, createConversation, finished, freshRecord } from "./membership.ts";
import { problemOf } from "./messages.ts";
import { Sender, amend, enqueue } from "./outbox.ts";
import { People } from "./people.ts";
import type { Connection as ConnectionState, Found, MessageView, Notification, Problem, Snapshot } from "./protocol.ts";
import { unlock } from "./registration.ts";
import { rejoin } from "./rejoining.ts";
import { search } from "./search.ts";
import type { MessagingSettings, Server } from "./server.ts";
import { Synchroniser } from "./synchroniser.ts";
import { Teller } from "./teller.ts";
import { Trust } from "./trust.ts";
import { discard, retry } from "./unsent.ts";
import { messageView, summaryOf } from "./views.ts";
import { type Whisper, Whispers } from "./whispers.ts";

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

const DAY = 86_400;
const MOST_SHOWN_AGAIN = 200; // as many as a page shows

function loadMls(identity: IdentityRecord, settings: MessagingSettings): MlsEngine {
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
  readonly #lifetimes: Lifetimes;
  readonly #whispers: Whispers;
  readonly #synchroniser: Synchroniser;
  readonly #store: StorePort;
  readonly #notify: (notification: Notification) => void;
  readonly #closing = new AbortController();
  #searches = 0;
  #state: ConnectionState = "offline";
  #failure: Problem | null = null;

  /** Opens the stored keys and history; rejects with a `ProblemError`. `start` connects. */
  static async open(options: EngineOptions): Promise<ChatEngine> {
    const { deviceId, identity, records } = await unlock(options.store, options.server);
    const trust = await Trust.load(records);
    const settings = await options.server.messagingSettings();
    const mls = loadMls(identity, settings);
    const organisationLimit = settings.retention_days && settings.retention_days * DAY;
    const now = options.now ?? Date.now;
    const people = await People.load(options.server, records, now);
    const me = { personId: options.personId, deviceId };
    const engine = new ChatEngine(options, { me, mls, trust, records, people, now, organisationLimit });
    for (const [id, record] of await records.all("conversations")) {
      engine.#context.conversations.set(id, new Conversation(records, record));
    }
    await engine.#lifetimes.sweep();
    await engine.#files.load();
    return engine;
  }

  private constructor(
    options: EngineOptions,
    parts: Pick<Context, "me" | "mls" | "trust" | "records" | "people" | "now" | "organisationLimit">,
  ) {
    this.#store = options.store;
    this.#notify = options.notify;
    this.#connection = new Connection(
      options.server,
      {
        ready: (incarnation) => this.#background(() => this.#synchroniser.synchronise(incarnation)),
        event: (event) => this.#background(() => this.#synchroniser.hear(event)),
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
      refreshMembers: (conversation) => this.#background(() => this.#synchroniser.refreshMembers(conversation)),
      reportFailure: (conversation) => this.#background(() => reportFailure(this.#context, conversation)),
      goes: (message) => this.#lifetimes.expect(message),
      flush: (conversation) => this.#background(() => this.#sender.flush(conversation)),
      commitSoon: (conversation) => this.#committer.soon(conversation),
      closed: this.#closing.signal,
    };
    this.#context.people.late = (personId) => this.#background(() => this.#showAgain(personId));
    this.#teller = new Teller({
      context: () => this.#context,
      snapshot: () => this.snapshot(),
      notify: this.#notify,
      failed: (error) => this.#fail(error),
    });
    this.#sender = new Sender(this.#context);
    const { commitWithin } = options.timing ?? DEFAULT_TIMING;
    this.#committer = new Committer(this.#context, commitWithin, (conversation) =>
      this.#background(() => this.#synchroniser.commitWaiting(conversation)),
    );
    this.#marks = new DeliveryMarks(this.#context);
    this.#files = new Files({
      context: this.#context,
      staging: options.staging ?? new BlobFiles(),
      notify: this.#notify,
    });
    this.#lifetimes = new Lifetimes({
      context: this.#context,
      gone: (conversationId, messageIds) => this.#gone(conversationId, messageIds),
      due: () => this.#background(() => this.#lifetimes.sweep()),
    });
    this.#whispers = new Whispers({
      context: this.#context,
      told: (conversationId, names) => this.#notify({ type: "typing", conversationId, names }),
    });
    this.#synchroniser = new Synchroniser({
      context: this.#context,
      files: this.#files,
      whispers: this.#whispers,
      background: (work) => this.#background(work),
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
    if (known) return { conversationId: await finished(context, known) };
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
    if (known) return { conversationId: await finished(context, known) };
    await context.people.ensure(others);
    const claimed = await claims(context, others, context.mls.suite);
    const conversation = await createConversation(context, {
      id,
      kind: "group",
      name: name.trim() === "" ? null : name.trim(),
      personIds: others,
    });
    await addMembers(context, conversation, claimed);
    this.#context.flush(conversation);
    return { conversationId: conversation.id };
  }

  async addPeople(conversationId: string, personIds: readonly string[]): Promise<null> {
    const conversation = this.#conversation(conversationId);
    const present = new Set([...conversation.record.personIds, this.#context.me.personId]);
    const lacking = personIds.filter((person) => !present.has(person));
    await this.#context.people.ensure(lacking);
    const { suite } = await conversation.group();
    await addMembers(this.#context, conversation, await claims(this.#context, lacking, suite));
    this.#context.flush(conversation);
    return null;
  }

  async removePerson(conversationId: string, personId: string): Promise<null> {
    const conversation = this.#conversation(conversationId);
    await removeMembers(this.#context, conversation, ({ accountId }) => accountId === personId);
    this.#context.flush(conversation);
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
    if (conversation.isOpen) await this.#synchroniser.resume(conversation);
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
    this.#background(() => this.#synchroniser.acceptWelcomes()); // one of theirs may have waited for this
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

  async sendText(
    conversationId: string,
    text: string,
    messageId: string,
    replyTo: string | null = null,
  ): Promise<{ messageId: string }> {
    const conversation = this.#conversation(conversationId);
    await this.#reachable(conversation);
    const answered = replyTo === null ? null : await this.#context.records.get("messages", replyTo);
    const reply_to = answered?.position ?? null;
    await enqueue(this.#context, conversation, messageId, { type: "text", text, ...(reply_to !== null && { reply_to }) });
    this.#whispers.sent(conversationId);
    this.#context.flush(conversation);
    return { messageId };
  }

  async rename(conversationId: string, name: string, id: string): Promise<null> {
    const conversation = this.#conversation(conversationId);
    if (conversation.record.kind !== "group" || conversation.record.name === name) return null;
    await this.#reachable(conversation);
    await enqueue(this.#context, conversation, id, { type: "conversation_named", name });
    this.#context.flush(conversation);
    return null;
  }

  async keepDraft(conversationId: string, text: string): Promise<null> {
    const conversation = this.#context.conversations.get(conversationId);
    if (!conversation || (conversation.record.draft ?? "") === text) return null;
    await this.#context.lock.run(() =>
      conversation.save((draft) => {
        draft.draft = text;
      }),
    );
    this.#teller.snapshot();
    return null;
  }

  /** Whoever logs out leaves nothing begun behind, not even what another call is just keeping. */
  async forgetDrafts(): Promise<null> {
    await this.#context.lock.run(async () => {
      for (const conversation of this.#context.conversations.values()) {
        if (!conversation.record.draft) continue;
        await conversation.save((draft) => {
          draft.draft = "";
        });
      }
    });
    this.#teller.snapshot();
    return null;
  }

  async react(conversationId: string, messageId: string, emoji: string | null): Promise<null> {
    const conversation = this.#conversation(conversationId);
    await amend(this.#context, conversation, messageId, { type: "reaction", emoji });
    this.#context.flush(conversation);
    return null;
  }

  async editMessage(conversationId: string, messageId: string, text: string): Promise<null> {
    const conversation = this.#conversation(conversationId);
    await amend(this.#context, conversation, messageId, { type: "edited", text });
    this.#context.flush(conversation);
    return null;
  }

  /** Also its file, which the server would keep for as long as it keeps the message. */
  async deleteMessage(conversationId: string, messageId: string): Promise<null> {
    const conversation = this.#conversation(conversationId);
    const before = (await this.#context.records.get("messages", messageId))?.body;
    await amend(this.#context, conversation, messageId, { type: "deleted" });
    this.#context.flush(conversation);
    if (before?.type === "file") this.#background(() => this.#context.server.files.remove(before.attachmentId));
    return null;
  }

  /** With the name that has come. */
  async #showAgain(personId: string): Promise<void> {
    for (const { id, record } of this.#context.conversations.values()) {
      if (!record.personIds.includes(personId)) continue;
      const newest = await this.#context.records.newest("messages", id, Infinity, MOST_SHOWN_AGAIN);
      this.#teller.messages(id, newest.map((message) => message.id));
    }
  }

  /** What the person is doing at the keyboard; nobody waits for it. */
  async whisper(conversationId: string, type: Whisper): Promise<null> {
    const conversation = this.#context.conversations.get(conversationId);
    if (conversation?.isWritable) this.#background(() => this.#whispers.say(conversation, type));
    return null;
  }

  /** What is written from now on disappears after so many seconds; null: it stays. */
  async setLifetime(conversationId: string, lifetime: number | null, id: string): Promise<null> {
    const conversation = this.#conversation(conversationId);
    if (lifetime !== null && !isLifetime(lifetime)) throw new ProblemError("invalid", "Not a lifetime.");
    if ((conversation.record.lifetime ?? null) === lifetime) return null;
    await this.#reachable(conversation);
    await enqueue(this.#context, conversation, id, { type: "lifetime_set", lifetime });
    this.#context.flush(conversation);
    return null;
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
    this.#context.flush(conversation);
    return null;
  }

  async discard(conversationId: string, messageId: string): Promise<{ text: string }> {
    const text = await discard(this.#context, messageId);
    this.#notify({ type: "gone", conversationId, messageIds: [messageId] });
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
    await this.#lifetimes.sweep();
    const oldest = before === null ? undefined : await context.records.get("messages", before);
    if (before !== null && !oldest) throw new ProblemError("not_found", "There is no such message.");
    const most = Math.min(Math.max(1, limit), 500);
    const found = await context.records.newest("messages", conversationId, oldest?.sequence ?? Infinity, most + 1);
    const shown = found.slice(0, most).reverse();
    await context.people.ensure(new Set(shown.map(({ senderId }) => senderId).filter((id) => id !== "")));
    const messages = await Promise.all(shown.map((message) => messageView(context, conversation, message)));
    return { messages, more: found.length > most };
  }

  async search(query: string): Promise<Found> {
    this.#searches += 1;
    const mine = this.#searches;
    await this.#lifetimes.sweep();
    return search(this.#context, query, () => mine !== this.#searches || this.#closing.signal.aborted);
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

  /** Whom it is for is in it; else a person would write to nobody, and never hear of it. */
  async #reachable(conversation: Conversation): Promise<void> {
    try {
      await finished(this.#context, conversation);
    } catch (error) {
      if (!isProblem(error, "offline")) throw error; // else it waits, as everything written offline
    }
  }

  /** Somebody made it already: it is here, or its Welcome is on the way. */
  async #existing(id: string, personId: string): Promise<string> {
    const context = this.#context;
    await this.#synchroniser.acceptWelcomes();
    if (context.conversations.has(id)) return id;
    const record = freshRecord(id, "direct", new Date(context.now()).toISOString());
    const conversation = new Conversation(context.records, { ...record, state: "joining", personIds: [personId] });
    await context.lock.run(() => conversation.save(() => undefined));
    context.conversations.set(id, conversation);
    this.#teller.snapshot();
    return id;
  }

  // What pages are told --------------------------------------------------------------------------

  #setState(state: ConnectionState): void {
    this.#state = state;
    this.#teller.snapshot();
  }

  #gone(conversationId: string, messageIds: readonly string[]): void {
    for (const messageId of messageIds) this.#files.cancelDownload(messageId);
    this.#notify({ type: "gone", conversationId, messageIds });
    this.#teller.snapshot();
  }

  #fail(problem: unknown): void {
    this.#failure = problemOf(problem);
    this.#teller.snapshot();
  }

  /** Work nobody waits for. What the server refuses or cannot hear now comes again with `ready`. */
  #background(work: () => Promise<unknown>): void {
    work().catch((error: unknown) => {
      if (this.#closing.signal.aborted || error instanceof ProblemError) return;
      this.#fail(error);
    });
  }
}
