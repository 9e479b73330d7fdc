// From whatever was thrown to a sentence a person can act on.

import { words } from "./words.ts";

interface Coded {
  code: string;
  detail: string;
}

function isCoded(error: unknown): error is Coded {
  return typeof error === "object" && error !== null && "code" in error && "detail" in error;
}

/** Refusals whose detail says what exactly a person has to change. */
const SAYS_WHY = ["password_too_weak"];

/** Our own words where we have them, else the server's, else a plain admission. */
export function sentenceFor(error: unknown): string {
  if (!isCoded(error)) return words.unknownProblem;
  if (SAYS_WHY.includes(error.code) && error.detail !== "") return error.detail;
  return words.problems[error.code] ?? (error.detail === "" ? words.unknownProblem : error.detail);
}

/** As above, and the server's reasons field by field where it gave them. */
export function explained(error: unknown): string {
  const fields = (error as { errors?: readonly { detail: string }[] } | null)?.errors ?? [];
  const reasons = fields.map((field) => field.detail).filter((detail) => detail !== "");
  return [sentenceFor(error), ...reasons].join(" ");
}

export function codeOf(error: unknown): string | null {
  return isCoded(error) ? error.code : null;
}

/** A fact of a refusal that is a text, or nothing. */
export function factOf(error: unknown, name: string): string {
  const facts = (error as { facts?: Record<string, unknown> } | null)?.facts;
  const fact = facts?.[name];
  return typeof fact === "string" ? fact : "";
}

/** The fact `retry_after` of a refusal, in whole seconds. */
export function retryAfter(error: unknown): number | null {
  const facts = (error as { facts?: Record<string, unknown> } | null)?.facts;
  const seconds = facts?.["retry_after"];
  return typeof seconds === "number" && seconds > 0 ? Math.ceil(seconds) : null;
}
