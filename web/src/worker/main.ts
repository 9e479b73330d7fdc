// The Worker of one tab: takes calls from its page, and has them done by whichever tab leads.

import { createHttp } from "../api/http.ts";
import { openStaging } from "../attachments/staging.ts";
import { openIndexedDb } from "../store/indexeddb.ts";
import { Host } from "./host.ts";
import { type Answer, type Call, type Channel, Participant } from "./leader.ts";
import { problemOf } from "./messages.ts";
import type { FromWorker, ToWorker } from "./port.ts";
import type { Notification, Requests, Snapshot } from "./protocol.ts";
import { HttpServer } from "./server.ts";

const CSRF_PATIENCE = 2_000;
const NAME = "securechat-engine";
const LOGGED_OUT = { code: "not_authenticated", detail: "You logged out in another tab." };
const CLOSED: Snapshot = {
  phase: "closed",
  failure: null,
  connection: "offline",
  me: null,
  conversations: [],
};

const scope = self as unknown as DedicatedWorkerGlobalScope; // the checker is told of pages too
const csrfWaiting = new Map<number, (token: string | null) => void>();
let lastCsrf = 0;
let lastToken: string | null = null;

/** The page's cookie as it is now; it changes with every login. */
function csrfFromPage(): Promise<string | null> {
  lastCsrf += 1;
  const id = lastCsrf;
  return new Promise((resolve) => {
    const timer = setTimeout(() => settle(lastToken), CSRF_PATIENCE);
    const settle = (token: string | null): void => {
      clearTimeout(timer);
      csrfWaiting.delete(id);
      lastToken = token;
      resolve(token);
    };
    csrfWaiting.set(id, settle);
    post({ type: "csrf_wanted", id });
  });
}

function post(message: FromWorker): void {
  scope.postMessage(message);
}

function notify(notification: Notification): void {
  post({ type: "notification", notification });
}

const server = new HttpServer(createHttp(csrfFromPage));
let current: { personId: string; participant: Participant } | null = null;
let host: Host | null = null;
/** What the engine last said: if it was open, whoever takes over opens it without being asked. */
let last = CLOSED;

function hear(notification: Notification): void {
  if (notification.type === "snapshot") last = notification.snapshot;
  notify(notification);
}

async function participate(personId: string): Promise<Participant> {
  if (current?.personId === personId && !current.participant.isClosed) return current.participant;
  await current?.participant.close();
  last = CLOSED;
  const name = `${NAME}-${personId}`;
  const participant: Participant = new Participant({
    name,
    locks: navigator.locks,
    channel: new BroadcastChannel(name) as Channel,
    lead: (tellAll) => {
      host = new Host({ personId, server, openStore: openIndexedDb, openStaging, notify: tellAll });
      if (last.phase === "ready") host.resume(last);
      return host;
    },
    notify: hear,
    closed: (by) => {
      if (current?.participant !== participant) return;
      current = null;
      host = null;
      const failure = by === "this tab" ? null : LOGGED_OUT;
      notify({ type: "snapshot", snapshot: { ...CLOSED, failure } });
    },
  });
  current = { personId, participant };
  return participant;
}

async function deviceHere(personId: string): Promise<Requests["deviceHere"][1]> {
  const store = await openIndexedDb(personId);
  try {
    const device = await store.device();
    return device ? { deviceId: device.deviceId } : null;
  } finally {
    store.close();
  }
}

async function perform(call: Call): Promise<Answer> {
  switch (call.method) {
    case "deviceHere":
      return { ok: true, value: await deviceHere((call.args as Requests["deviceHere"][0]).personId) };
    case "close":
      await current?.participant.close();
      return { ok: true, value: null };
    case "createDevice":
    case "bindDevice":
    case "open": {
      const { personId } = call.args as Requests["open"][0];
      return (await participate(personId)).call(call);
    }
    default:
      if (current) return current.participant.call(call);
      return {
        ok: false,
        problem: { code: "engine_closed", detail: "The messages of this account are not open here." },
      };
  }
}

async function answer(call: Call): Promise<void> {
  try {
    post({ type: "answer", id: call.id, answer: await perform(call) });
  } catch (error) {
    post({ type: "answer", id: call.id, answer: { ok: false, problem: problemOf(error) } });
    throw error; // loud in the console
  }
}

scope.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  switch (data.type) {
    case "csrf":
      csrfWaiting.get(data.id)?.(data.token);
      break;
    case "network":
      host?.networkIs(data.state);
      break;
    case "call":
      void answer(data.call);
  }
};
