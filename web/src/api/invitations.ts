// Invitations: what an administrator makes, and what the invited person does with one.

import { http } from "./http.ts";
import type { Role, Session } from "./session.ts";

export interface InvitationFacts {
  username: string;
  display_name: string;
  organisation: string;
  expires_at: string;
}

export interface NewInvitation {
  id: string;
  /** Shown once. */
  link: string;
  expires_at: string;
}

export function lookUp(token: string): Promise<InvitationFacts> {
  return http.post("/api/v1/invitations/lookup", { token });
}

export function accept(acceptance: {
  token: string;
  username: string;
  display_name: string;
  password: string;
}): Promise<Session> {
  return http.post("/api/v1/invitations/acceptance", acceptance);
}

export function invite(wanted: {
  username: string;
  display_name: string;
  email: string;
  role: Role;
  expires_in_hours: number;
}): Promise<NewInvitation> {
  return http.post("/api/v1/invitations", wanted);
}
