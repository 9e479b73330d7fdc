// Where this browser stands, and the steps of logging in and out.

import { http, ProblemError, type AllauthAnswer } from "./http.ts";

export type SessionState =
  | "anonymous"
  | "second_factor"
  | "enrolment"
  | "no_device"
  | "no_device_left"
  | "unknown_device"
  | "ready";

export type Role = "member" | "administrator" | "auditor";
export type Alternative = "totp" | "recovery_codes";

export interface Session {
  state: SessionState;
  pending: "face" | "mfa_authenticate" | "recovery_codes" | null;
  alternatives: Alternative[];
  person: { id: string; username: string; display_name: string; role: Role } | null;
  second_factors: { face: boolean; totp: boolean; recovery_codes: boolean };
  device: { id: string; name: string; created_at: string } | null;
  challenge: string | null;
  organisation: string;
  face_enabled: boolean;
  second_factor_required: boolean;
}

export interface TotpOffer {
  secret: string;
  url: string;
}

export function getSession(): Promise<Session> {
  return http.get("/api/v1/session");
}

/** A 401 only says that a stage is pending, so the session object is asked what comes next. */
export async function logIn(username: string, password: string): Promise<Session> {
  const answer = await http.allauth("POST", "auth/login", { username, password });
  if (answer.status === 400 || answer.status === 403 || answer.status === 429) throw refused(answer);
  return getSession();
}

export async function logOut(): Promise<Session> {
  await http.allauth("DELETE", "auth/session");
  return getSession();
}

export async function enterCode(code: string): Promise<Session> {
  const answer = await http.allauth("POST", "auth/2fa/authenticate", { code });
  if (answer.status === 400 || answer.status === 403 || answer.status === 429) throw refused(answer);
  return getSession();
}

/** Refused as `reauthentication_required` when the password was typed too long ago. */
export async function offerTotp(): Promise<TotpOffer> {
  const answer = await http.allauth("GET", "account/authenticators/totp");
  const { secret, totp_url: url } = answer.meta;
  if (answer.status !== 404 || typeof secret !== "string" || typeof url !== "string") {
    throw refused(answer);
  }
  return { secret, url };
}

export async function addTotp(code: string): Promise<void> {
  accepted(await http.allauth("POST", "account/authenticators/totp", { code }));
}

export async function removeTotp(): Promise<void> {
  accepted(await http.allauth("DELETE", "account/authenticators/totp"));
}

/** The codes that are left, or null where none were ever made. */
export async function recoveryCodes(): Promise<string[] | null> {
  const answer = await http.allauth("GET", "account/authenticators/recovery-codes");
  return answer.status === 404 ? null : codesOf(answer);
}

export async function newRecoveryCodes(): Promise<string[]> {
  return codesOf(await http.allauth("POST", "account/authenticators/recovery-codes"));
}

export async function confirmPassword(password: string): Promise<void> {
  accepted(await http.allauth("POST", "auth/reauthenticate", { password }));
}

export async function changePassword(current: string, wanted: string): Promise<void> {
  accepted(
    await http.allauth("POST", "account/password/change", {
      current_password: current,
      new_password: wanted,
    }),
  );
}

function codesOf(answer: AllauthAnswer): string[] {
  const codes = accepted(answer).data["unused_codes"];
  return Array.isArray(codes) ? codes.filter((code) => typeof code === "string") : [];
}

function accepted(answer: AllauthAnswer): AllauthAnswer {
  if (answer.status !== 200) throw refused(answer);
  return answer;
}

function refused(answer: AllauthAnswer): ProblemError {
  const flows = answer.data["flows"];
  const asksAgain =
    answer.status === 401 &&
    Array.isArray(flows) &&
    flows.some((flow: { id?: unknown }) => flow.id === "reauthenticate");
  if (asksAgain) return new ProblemError("reauthentication_required", "", 401);
  if (answer.status === 401) return new ProblemError("not_authenticated", "", 401);
  const [first] = answer.errors;
  return new ProblemError(first?.code ?? "unexpected_answer", first?.message ?? "", answer.status);
}
