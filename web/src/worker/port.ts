// What a page and its own Worker say to each other.

import type { Answer, Call } from "./leader.ts";
import type { Notification } from "./protocol.ts";

export type ToWorker =
  | { type: "call"; call: Call }
  /** The answer to `csrf_wanted`: a Worker sees no cookies. */
  | { type: "csrf"; id: number; token: string | null }
  /** What the browser tells the page of the network. */
  | { type: "network"; state: "back" | "gone" };

export type FromWorker =
  | { type: "answer"; id: string; answer: Answer }
  | { type: "notification"; notification: Notification }
  | { type: "csrf_wanted"; id: number };
