// Which page is shown: a table over the state of the session.

import type { Session, SessionState } from "../api/session.ts";
import type { Route } from "./route.ts";

export type Page =
  | "loading"
  | "invitation"
  | "login"
  | "face"
  | "code"
  | "enrolment"
  | "keep_codes"
  | "create_device"
  | "begin_anew"
  | "other_device"
  | "chat";

const PAGE_OF: Readonly<Record<SessionState, Page>> = {
  anonymous: "login",
  second_factor: "code",
  enrolment: "enrolment",
  no_device: "create_device",
  no_device_left: "begin_anew",
  unknown_device: "other_device",
  ready: "chat",
};

/** What a person has begun and has to finish before the session's state decides again. */
export type Unfinished =
  | { step: "enrolling"; way: "face" | "totp" | null }
  | { step: "keeping_codes" }
  | null;

const PAGE_OF_STEP = { enrolling: "enrolment", keeping_codes: "keep_codes" } as const;

export function pageFor(session: Session | null, route: Route, unfinished: Unfinished): Page {
  if (session === null) return "loading";
  if (route.name === "invitation") return "invitation";
  if (unfinished !== null && session.person !== null) return PAGE_OF_STEP[unfinished.step];
  if (session.state === "second_factor" && session.pending === "face") return "face";
  return PAGE_OF[session.state];
}

/** Logged in with all that policy asks for, whether or not this browser has keys. */
export function isLoggedIn(session: Session): boolean {
  return ["no_device", "no_device_left", "unknown_device", "ready"].includes(session.state);
}
