// One engine per person and browser: of all tabs' Workers the one that holds the Web Lock leads, the
// others hand their calls to it over a BroadcastChannel. When it goes, the next one opens the store
// and takes over; calls that had no answer are made again under their old ids.

import type { Method, Notification, Problem, Requests } from "./protocol.ts";

export type Answer<M extends Method = Method> =
  | { ok: true; value: Requests[M][1] }
  | { ok: false; problem: Problem };

export interface Call {
  id: string;
  method: Method;
  args: unknown;
}

/** What a leader does; made anew each time this Worker becomes one. */
export interface Leader {
  call(call: Call): Promise<Answer>;
  /** What a tab that has just come should know. */
  greet(): Notification;
  close(): Promise<void>;
}

/** `navigator.locks`, or the tests' own. */
export interface Locks {
  request(name: string, options: { signal: AbortSignal }, body: () => Promise<void>): Promise<void>;
}

export interface Channel {
  postMessage(message: unknown): void;
  onmessage: ((event: MessageEvent<ChannelMessage>) => void) | null;
  close(): void;
}

export type ChannelMessage =
  | { type: "call"; call: Call }
  | { type: "answer"; id: string; answer: Answer }
  | { type: "notification"; notification: Notification }
  /** A tab has come, or a leader: whoever waits for an answer asks again. */
  | { type: "hello" }
  | { type: "leading" }
  /** The person has logged out in some tab. */
  | { type: "closed" };

export interface ParticipantOptions {
  name: string;
  locks: Locks;
  channel: Channel;
  lead(notify: (notification: Notification) => void): Leader;
  notify(notification: Notification): void;
  closed(by: "this tab" | "another tab"): void;
}

const REMEMBERED = 500;
const CLOSED: Answer = {
  ok: false,
  problem: { code: "closed", detail: "The messages were closed on this device." },
};

interface Waiting {
  call: Call;
  resolve(answer: Answer): void;
}

/** This tab's part: leading, or following whoever leads. */
export class Participant {
  readonly #options: ParticipantOptions;
  readonly #waiting = new Map<string, Waiting>();
  /** By id, so that a call that is made again is not done again. */
  readonly #answers = new Map<string, Promise<Answer>>();
  readonly #abort = new AbortController();
  #leader: Leader | null = null;
  #release: () => void = () => undefined;

  constructor(options: ParticipantOptions) {
    this.#options = options;
    options.channel.onmessage = ({ data }) => this.#hear(data);
    options.channel.postMessage({ type: "hello" } satisfies ChannelMessage);
    options.locks
      .request(options.name, { signal: this.#abort.signal }, () => this.#lead())
      .catch((error: unknown) => {
        if (!this.#abort.signal.aborted) throw error;
      });
  }

  get isClosed(): boolean {
    return this.#abort.signal.aborted;
  }

  /** Resolves with the leader's answer, whoever leads by then. */
  call(call: Call): Promise<Answer> {
    if (this.#abort.signal.aborted) return Promise.resolve(CLOSED);
    if (this.#leader) return this.#perform(call);
    return new Promise((resolve) => {
      this.#waiting.set(call.id, { call, resolve });
      this.#post({ type: "call", call });
    });
  }

  /** Ends the engine for all tabs of this person. */
  async close(): Promise<void> {
    if (this.#abort.signal.aborted) return;
    this.#post({ type: "closed" });
    await this.#end("this tab");
  }

  async #lead(): Promise<void> {
    if (this.#abort.signal.aborted) return;
    const { lead, notify } = this.#options;
    this.#leader = lead((notification) => {
      notify(notification);
      this.#post({ type: "notification", notification });
    });
    const released = new Promise<void>((resolve) => {
      this.#release = resolve;
    });
    this.#post({ type: "leading" });
    for (const { call, resolve } of this.#waiting.values()) void this.#perform(call).then(resolve);
    this.#waiting.clear();
    await released;
  }

  #hear(message: ChannelMessage): void {
    switch (message.type) {
      case "call":
        if (this.#leader) void this.#answer(message.call);
        break;
      case "answer":
        this.#waiting.get(message.id)?.resolve(message.answer);
        this.#waiting.delete(message.id);
        break;
      case "notification":
        if (!this.#leader) this.#options.notify(message.notification);
        break;
      case "hello":
        if (this.#leader) this.#post({ type: "notification", notification: this.#leader.greet() });
        break;
      case "leading":
        for (const { call } of this.#waiting.values()) this.#post({ type: "call", call });
        break;
      case "closed":
        void this.#end("another tab");
        break;
    }
  }

  async #answer(call: Call): Promise<void> {
    const answer = await this.#perform(call);
    this.#post({ type: "answer", id: call.id, answer });
  }

  #perform(call: Call): Promise<Answer> {
    const already = this.#answers.get(call.id);
    if (already) return already;
    if (!this.#leader) return this.call(call);
    const answer = this.#leader.call(call);
    this.#answers.set(call.id, answer);
    const [oldest] = this.#answers.keys();
    if (oldest !== undefined && this.#answers.size > REMEMBERED) this.#answers.delete(oldest);
    return answer;
  }

  async #end(by: "this tab" | "another tab"): Promise<void> {
    if (this.#abort.signal.aborted) return;
    this.#abort.abort();
    for (const { resolve } of this.#waiting.values()) resolve(CLOSED);
    this.#waiting.clear();
    const leader = this.#leader;
    this.#leader = null;
    await leader?.close();
    this.#release();
    this.#options.channel.close();
    this.#options.closed(by);
  }

  #post(message: ChannelMessage): void {
    this.#options.channel.postMessage(message);
  }
}
