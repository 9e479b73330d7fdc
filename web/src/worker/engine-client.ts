// The pages' side of the engine: starts the Worker, carries calls to it and hears what it tells.

import { csrfFromCookie } from "../api/http.ts";
import type { FromWorker, ToWorker } from "./port.ts";
import type { Engine, Method, Notification, Problem, Requests } from "./protocol.ts";

const PATIENCE = 90_000;

interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { createScriptURL(url: string): string },
  ): { createScriptURL(url: string): string };
}

/** A refusal of the engine; pages read `code` and `detail`. */
export class EngineProblem extends Error implements Problem {
  override readonly name = "EngineProblem";
  readonly code: string;
  readonly detail: string;
  readonly facts: Readonly<Record<string, unknown>>;

  constructor({ code, detail, facts = {} }: Problem) {
    super(`${code}: ${detail}`);
    this.code = code;
    this.detail = detail;
    this.facts = facts;
  }
}

interface Waiting {
  resolve(value: unknown): void;
  reject(problem: EngineProblem): void;
  timer: ReturnType<typeof setTimeout>;
}

/** The one script address that may ever be made: the Worker's. */
function trusted(address: string): string {
  const known = new URL(address, location.href).href;
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  const rules = {
    createScriptURL(url: string): string {
      if (url !== known) throw new TypeError("not the address of our worker");
      return url;
    },
  };
  return trustedTypes ? trustedTypes.createPolicy("securechat", rules).createScriptURL(known) : known;
}

class WorkerEngine implements Engine {
  readonly #worker: Worker;
  readonly #waiting = new Map<string, Waiting>();
  readonly #listeners = new Set<(notification: Notification) => void>();

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#hear(data);
    worker.onerror = (event) => {
      if (event.lineno === 0) this.#fail(); // the file could not be loaded: nothing will ever answer
    };
    // A page that a browser keeps for going back would keep the lock with which its Worker leads.
    addEventListener("pagehide", () => worker.terminate());
    addEventListener("pageshow", (event) => {
      if ((event as PageTransitionEvent).persisted) location.reload();
    });
    addEventListener("online", () => this.#post({ type: "network", state: "back" }));
    addEventListener("offline", () => this.#post({ type: "network", state: "gone" }));
  }

  call<M extends Method>(method: M, args: Requests[M][0]): Promise<Requests[M][1]> {
    if (method === "createDevice") askToKeep();
    const id = crypto.randomUUID();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new EngineProblem({ code: "time_out", detail: "The engine took too long to answer." }));
      }, PATIENCE);
      const take = resolve as (value: unknown) => void; // the worker answers `method` with its type
      this.#waiting.set(id, { resolve: take, reject, timer });
      this.#post({ type: "call", call: { id, method, args } });
    });
  }

  subscribe(listener: (notification: Notification) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #hear(message: FromWorker): void {
    switch (message.type) {
      case "csrf_wanted":
        this.#post({ type: "csrf", id: message.id, token: csrfFromCookie() });
        break;
      case "notification":
        for (const listener of [...this.#listeners]) listener(message.notification);
        break;
      case "answer": {
        const waiting = this.#waiting.get(message.id);
        this.#waiting.delete(message.id);
        clearTimeout(waiting?.timer);
        const { answer } = message;
        if (answer.ok) waiting?.resolve(answer.value);
        else waiting?.reject(new EngineProblem(answer.problem));
      }
    }
  }

  #fail(): void {
    const problem = { code: "engine_failed", detail: "The engine could not be started." };
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(new EngineProblem(problem));
    }
    this.#waiting.clear();
  }

  #post(message: ToWorker): void {
    this.#worker.postMessage(message);
  }
}

/** Keys must not be cleared away; a browser that promises nothing is no reason not to make them. */
function askToKeep(): void {
  const storage = navigator.storage as StorageManager | undefined; // WebKitGTK has none
  void storage?.persist();
}

/** Once per page, with the address of the Worker's file. */
export function connectEngine(address: string): Engine {
  return new WorkerEngine(new Worker(trusted(address), { type: "module", name: "securechat-engine" }));
}
