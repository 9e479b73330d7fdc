// What the relay refuses.

import { ProblemError } from "../src/api/http.ts";
import { MLSError } from "../src/mls/errors.ts";

export function refuse(code: string, facts: Record<string, unknown> = {}): never {
  throw new ProblemError(code, code, code === "not_found" ? 404 : 409, facts);
}

/** What the engine refuses, a server refuses. */
export async function verified<T>(code: string, operation: () => T | Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    if (error instanceof MLSError) return refuse(code, { reason: error.code });
    throw error;
  }
}
