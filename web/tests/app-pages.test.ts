// The table from the session's state to the page.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Session, SessionState } from "../src/api/session.ts";
import { isLoggedIn, pageFor, type Page, type Unfinished } from "../src/app/pages.ts";

const HOME = { name: "home" } as const;
const ALICE = { id: "1", username: "alice", display_name: "Alice", role: "member" } as const;

function session(state: SessionState, more: Partial<Session> = {}): Session {
  const known = state !== "anonymous" && state !== "second_factor";
  return {
    state,
    pending: null,
    alternatives: [],
    person: known ? ALICE : null,
    second_factors: { face: false, totp: false, recovery_codes: false },
    device: null,
    challenge: null,
    organisation: "Acme",
    face_enabled: true,
    second_factor_required: true,
    ...more,
  };
}

test("every state has its page", () => {
  const table: [SessionState, Page][] = [
    ["anonymous", "login"],
    ["second_factor", "code"],
    ["enrolment", "enrolment"],
    ["no_device", "create_device"],
    ["no_device_left", "begin_anew"],
    ["unknown_device", "other_device"],
    ["ready", "chat"],
  ];
  for (const [state, page] of table) assert.equal(pageFor(session(state), HOME, null), page);
  assert.equal(pageFor(null, HOME, null), "loading");
});

test("the pending stage decides between face and code", () => {
  const face = session("second_factor", { pending: "face" });
  const code = session("second_factor", { pending: "mfa_authenticate" });

  assert.equal(pageFor(face, HOME, null), "face");
  assert.equal(pageFor(code, HOME, null), "code");
});

test("what a person has begun is finished first, as long as somebody is logged in", () => {
  const keeping: Unfinished = { step: "keeping_codes" };
  const enrolling: Unfinished = { step: "enrolling", way: "totp" };

  assert.equal(pageFor(session("no_device"), HOME, keeping), "keep_codes");
  assert.equal(pageFor(session("ready"), HOME, enrolling), "enrolment");
  assert.equal(pageFor(session("anonymous"), HOME, keeping), "login");
});

test("an invitation is shown whoever is logged in", () => {
  const route = { name: "invitation", token: null } as const;

  assert.equal(pageFor(session("anonymous"), route, null), "invitation");
  assert.equal(pageFor(session("ready"), route, null), "invitation");
});

test("a login is over when policy has what it asks for", () => {
  const states: SessionState[] = ["no_device", "no_device_left", "unknown_device", "ready"];
  for (const state of states) assert(isLoggedIn(session(state)));
  for (const state of ["anonymous", "second_factor", "enrolment"] as const) {
    assert(!isLoggedIn(session(state)));
  }
});
