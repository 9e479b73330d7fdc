// One socket that is always there or on its way back: commands with their answers, events, and
// reconnection with a jittered, growing pause.

import { ProblemError } from "../api/http.ts";
import { CloseCode, type Command, type Event, type ServerFrame } from "../wire.ts";
import type { Connection as ConnectionState } from "./protocol.ts";
import type { Server, Socket } from "./server.ts";

/** A command before it has its number. */
export type Order = Command extends infer Each
  ? Each extends Command
    ? Omit<Each, "request_id">
    : never
  : never;

export interface ConnectionHandlers {
  /** The socket is open for this device: now catch up, with this incarnation of the server. */
  ready(incarnation: string): void;
  event(event: Event): void;
  state(state: ConnectionState): void;
  /** It will not come back by itself: the session or the device has ended. */
  ended(problem: ProblemError): void;
}

export interface Timing {
  firstPause: number;
  longestPause: number;
  answerWithin: number;
  /** The longest random pause before a removal that waits is committed. */
  commitWithin: number;
}

export const DEFAULT_TIMING: Timing = { firstPause: 500, longestPause: 30_000, answerWithin: 20_000, commitWithin: 3_000 };

interface Waiting {
  resolve(position: number): void;
  reject(problem: ProblemError): void;
  timer: ReturnType<typeof setTimeout>;
}

const ENDED: ReadonlyMap<number, [code: string, detail: string]> = new Map([
  [CloseCode.NOT_AUTHENTICATED, ["not_authenticated", "You are no longer logged in."]],
  [CloseCode.DEVICE_REVOKED, ["device_revoked", "This device was revoked."]],
]);

function offline(): ProblemError {
  return new ProblemError("offline", "There is no connection to the server.");
}

export class Connection {
  readonly #server: Server;
  readonly #handlers: ConnectionHandlers;
  readonly #timing: Timing;
  readonly #waiting = new Map<number, Waiting>();
  #socket: Socket | null = null;
  #isReady = false;
  #stopped = true;
  #failures = 0;
  #nextRequest = 1;
  #pause: ReturnType<typeof setTimeout> | undefined;
  #patience: ReturnType<typeof setTimeout> | undefined;

  constructor(server: Server, handlers: ConnectionHandlers, timing: Timing = DEFAULT_TIMING) {
    this.#server = server;
    this.#handlers = handlers;
    this.#timing = timing;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  start(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.#connect();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#pause);
    this.#drop();
    this.#handlers.state("offline");
  }

  /** The network is said to be gone: a socket over it would only seem to be open. */
  interrupt(): void {
    if (this.#socket !== null) this.#lost();
  }

  /** The network is said to be back: do not wait for the pause to end. */
  hurry(): void {
    if (this.#stopped || this.#socket !== null) return;
    clearTimeout(this.#pause);
    this.#connect();
  }

  /** The position the server answers; rejects with its refusal, or with `offline`. */
  command(order: Order): Promise<number> {
    const socket = this.#socket;
    if (socket === null || !this.#isReady) return Promise.reject(offline());
    const request_id = this.#nextRequest;
    this.#nextRequest += 1;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#lost(), this.#timing.answerWithin);
      this.#waiting.set(request_id, { resolve, reject, timer });
      socket.send({ ...order, request_id });
    });
  }

  #connect(): void {
    this.#handlers.state("connecting");
    let mine: Socket | null = null;
    const socket = this.#server.openSocket({
      frame: (frame) => {
        if (this.#socket === mine) this.#receive(frame);
      },
      closed: (code) => {
        if (this.#socket === mine) this.#closed(code);
      },
    });
    mine = socket;
    this.#socket = socket;
    this.#patience = setTimeout(() => this.#lost(), this.#timing.answerWithin);
  }

  #receive(frame: ServerFrame): void {
    switch (frame.type) {
      case "accepted":
        this.#settle(frame.request_id)?.resolve(frame.position);
        break;
      case "refused": {
        if (frame.request_id === null) break;
        const { code, detail, facts } = frame;
        this.#settle(frame.request_id)?.reject(new ProblemError(code, detail, 0, facts));
        break;
      }
      case "ready":
        clearTimeout(this.#patience);
        this.#failures = 0;
        this.#isReady = true;
        this.#handlers.state("online");
        this.#handlers.ready(frame.incarnation);
        break;
      default:
        this.#handlers.event(frame);
    }
  }

  #settle(requestId: number): Waiting | undefined {
    const waiting = this.#waiting.get(requestId);
    this.#waiting.delete(requestId);
    clearTimeout(waiting?.timer);
    return waiting;
  }

  /** No answer in time: the socket may be half open, so a new one is made. */
  #lost(): void {
    this.#closed(0);
  }

  #closed(code: number): void {
    this.#drop();
    if (this.#stopped) return;
    const ended = ENDED.get(code);
    if (ended) {
      this.#stopped = true;
      this.#handlers.state("offline");
      this.#handlers.ended(new ProblemError(...ended));
      return;
    }
    this.#handlers.state("offline");
    const limit = Math.min(this.#timing.longestPause, this.#timing.firstPause * 2 ** this.#failures);
    this.#failures += 1;
    this.#pause = setTimeout(() => this.#connect(), limit * (0.5 + Math.random() / 2));
  }

  #drop(): void {
    clearTimeout(this.#patience);
    const socket = this.#socket;
    this.#socket = null;
    this.#isReady = false;
    socket?.close();
    for (const requestId of [...this.#waiting.keys()]) this.#settle(requestId)?.reject(offline());
  }
}
