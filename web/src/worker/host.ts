// The leading Worker's engine: opened when the pages ask for it, opened again by whoever takes over.

import { ProblemError } from "../api/http.ts";
import type { Staging } from "../attachments/staging.ts";
import type { StorePort } from "../store/port.ts";
import type { Timing } from "./connection.ts";
import { ChatEngine } from "./engine.ts";
import type { Answer, Call, Leader } from "./leader.ts";
import { Lock } from "./lock.ts";
import { problemOf } from "./messages.ts";
import type { Method, Notification, Problem, Requests, Snapshot } from "./protocol.ts";
import { bindDevice, createDevice } from "./registration.ts";
import type { Server } from "./server.ts";

const AGAIN = 3_000;

export interface HostOptions {
  personId: string;
  server: Server;
  openStore(personId: string): Promise<StorePort>;
  openStaging?(personId: string): Promise<Staging>;
  notify(notification: Notification): void;
  timing?: Timing;
}

type OfEngine = Exclude<Method, "deviceHere" | "createDevice" | "bindDevice" | "open" | "close">;
/** `id` is the call's: made again after a leader's death, it names the same thing. */
type Ask<M extends OfEngine> = (engine: ChatEngine, args: Requests[M][0], id: string) => Promise<Requests[M][1]>;

const ASKED: { readonly [M in OfEngine]: Ask<M> } = {
  startDirect: (engine, { personId }, id) => engine.startDirect(personId, id),
  createGroup: (engine, { name, personIds }, id) => engine.createGroup(name, personIds, id),
  addPeople: (engine, { conversationId, personIds }) => engine.addPeople(conversationId, personIds),
  removePerson: (engine, { conversationId, personId }) => engine.removePerson(conversationId, personId),
  leaveConversation: (engine, { conversationId }) => engine.leaveConversation(conversationId),
  acceptKey: (engine, { personId, identityKey }) => engine.acceptKey(personId, identityKey),
  rejoin: (engine, { conversationId }) => engine.rejoin(conversationId),
  dismissNotice: (engine, { conversationId }) => engine.dismissNotice(conversationId),
  sendText: (engine, { conversationId, text, replyTo }, id) => engine.sendText(conversationId, text, id, replyTo),
  rename: (engine, { conversationId, name }, id) => engine.rename(conversationId, name, id),
  forgetDrafts: (engine) => engine.forgetDrafts(),
  keepDraft: (engine, { conversationId, text }) => engine.keepDraft(conversationId, text),
  react: (engine, { conversationId, messageId, emoji }) => engine.react(conversationId, messageId, emoji),
  editMessage: (engine, { conversationId, messageId, text }) => engine.editMessage(conversationId, messageId, text),
  deleteMessage: (engine, { conversationId, messageId }) => engine.deleteMessage(conversationId, messageId),
  whisper: (engine, { conversationId, type }) => engine.whisper(conversationId, type),
  setLifetime: (engine, { conversationId, lifetime }, id) => engine.setLifetime(conversationId, lifetime, id),
  retry: (engine, { conversationId, messageId }) => engine.retry(conversationId, messageId),
  discard: (engine, { conversationId, messageId }) => engine.discard(conversationId, messageId),
  messages: (engine, { conversationId, before, limit }) => engine.messages(conversationId, before, limit),
  fileLimit: ({ files }) => files.limit(),
  sendFile: (engine, { conversationId, file }, id) => engine.sendFile(conversationId, file, id),
  uploads: async ({ files }) => files.uploads(),
  retryUpload: ({ files }, { uploadId }) => files.retry(uploadId),
  cancelUpload: ({ files }, { uploadId }) => files.cancel(uploadId),
  download: ({ files }, { messageId }) => files.download(messageId),
  cancelDownload: ({ files }, { messageId }) => files.cancelDownload(messageId),
  search: (engine, { query }) => engine.search(query),
  markSeen: (engine, { conversationId }) => engine.markSeen(conversationId),
};

/** Made when this Worker begins to lead. */
export class Host implements Leader {
  readonly #options: HostOptions;
  readonly #opening = new Lock();
  #engine: ChatEngine | null = null;
  #phase: Snapshot["phase"] = "closed";
  #failure: Problem | null = null;
  #last: Snapshot | null = null;
  #again: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  constructor(options: HostOptions) {
    this.#options = options;
  }

  async call(call: Call): Promise<Answer> {
    try {
      return { ok: true, value: await this.#perform(call) };
    } catch (error) {
      if (!(error instanceof ProblemError)) reportBug(error);
      return { ok: false, problem: problemOf(error) };
    }
  }

  greet(): Notification {
    return { type: "snapshot", snapshot: this.#snapshot() };
  }

  /**
   * For a Worker that takes over: another tab had the engine open, so it is opened again here.
   * Meanwhile pages keep what they were last told, so that nobody is torn away from their writing.
   */
  resume(last: Snapshot): void {
    this.#last = { ...last, connection: "connecting" };
    this.#options.notify(this.greet());
    this.#open().catch((error: unknown) => {
      if (this.#isClosed) return;
      if (isPassing(error)) this.#again = setTimeout(() => this.resume(last), AGAIN);
      else this.#tell("failed", problemOf(error));
    });
  }

  networkIs(state: "back" | "gone"): void {
    this.#engine?.networkIs(state);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#again);
    const engine = this.#engine;
    this.#engine = null;
    await engine?.close();
    this.#tell("closed", null);
  }

  async #perform({ id, method, args }: Call): Promise<Requests[Method][1]> {
    switch (method) {
      case "createDevice":
        return this.#createDevice(args as Requests["createDevice"][0]);
      case "bindDevice":
        return this.#bindDevice(args as Requests["bindDevice"][0]);
      case "open":
        await this.#open();
        return null;
      case "deviceHere":
      case "close":
        throw new Error(`${method} is not the leader's to answer`);
      default: {
        const ask = ASKED[method] as Ask<typeof method>; // the page sent the arguments of this method
        return ask(await this.#opened(), args as never, id);
      }
    }
  }

  async #createDevice(args: Requests["createDevice"][0]): Promise<{ deviceId: string }> {
    const deviceId = await this.#withStore((store) => createDevice(store, this.#options.server, args));
    await this.#open();
    return { deviceId };
  }

  async #bindDevice({ challenge }: Requests["bindDevice"][0]): Promise<{ deviceId: string }> {
    const deviceId = await this.#withStore((store) => bindDevice(store, this.#options.server, challenge));
    await this.#open();
    return { deviceId };
  }

  async #withStore<T>(work: (store: StorePort) => Promise<T>): Promise<T> {
    const store = await this.#options.openStore(this.#options.personId);
    try {
      return await work(store);
    } finally {
      store.close();
    }
  }

  /** The engine, waiting for one that is being opened. */
  async #opened(): Promise<ChatEngine> {
    return this.#opening.run(async () => {
      if (this.#engine) return this.#engine;
      throw new ProblemError("engine_closed", "The messages of this account are not open here.");
    });
  }

  /** Opens it; an engine that lost its session is opened anew. */
  #open(): Promise<void> {
    return this.#opening.run(async () => {
      if (this.#isClosed) throw new ProblemError("closed", "The engine was closed.");
      if (this.#engine && this.#engine.snapshot().failure === null) return;
      await this.#engine?.close();
      this.#engine = null;
      if (this.#last === null) this.#tell("opening", null);
      try {
        this.#engine = await this.#makeEngine();
      } catch (error) {
        if (this.#last === null) this.#tell("failed", problemOf(error));
        throw error;
      }
      if (this.#isClosed) return this.close(); // closed while it was being opened
      this.#engine.start();
      this.#tell("ready", null);
    });
  }

  async #makeEngine(): Promise<ChatEngine> {
    const { personId, server, openStore, openStaging, notify, timing } = this.#options;
    const store = await openStore(personId);
    try {
      const staging = await openStaging?.(personId);
      const optional = { ...(staging && { staging }), ...(timing && { timing }) };
      return await ChatEngine.open({ personId, store, server, notify, ...optional });
    } catch (error) {
      store.close();
      throw error;
    }
  }

  #tell(phase: Snapshot["phase"], failure: Problem | null): void {
    this.#last = null;
    this.#phase = phase;
    this.#failure = failure;
    this.#options.notify(this.greet());
  }

  #snapshot(): Snapshot {
    if (this.#engine) return this.#engine.snapshot();
    if (this.#last) return this.#last;
    return {
      phase: this.#phase,
      failure: this.#failure,
      connection: "offline",
      me: null,
      conversations: [],
    };
  }
}

/** Not the person's doing and not the server's: loud, for whoever looks at the console. */
function reportBug(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

function isPassing(error: unknown): boolean {
  return error instanceof ProblemError && ["offline", "time_out", "unexpected_answer"].includes(error.code);
}
