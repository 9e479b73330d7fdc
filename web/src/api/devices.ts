// The caller's own devices and their API tokens.

import { http } from "./http.ts";

export const SCOPES = ["people:read", "keys:write", "messages:read", "messages:write"] as const;
export type Scope = (typeof SCOPES)[number];

export interface Token {
  id: string;
  name: string;
  scopes: Scope[];
  created_at: string;
  expires_at: string | null;
  last_used_at?: string | null;
}

export interface NewToken extends Token {
  /** Shown once; the server keeps only its hash. */
  token: string;
}

export interface Device {
  id: string;
  name: string;
  created_at: string;
}

interface Listed<T> {
  results: T[];
}

/** Some lists are small and come bare, others come in pages. */
function rowsOf<T>(answer: T[] | Listed<T>): T[] {
  return Array.isArray(answer) ? answer : answer.results;
}

export async function tokensOf(deviceId: string): Promise<Token[]> {
  return rowsOf(await http.get<Token[] | Listed<Token>>(`/api/v1/devices/${deviceId}/tokens`));
}

export function makeToken(
  deviceId: string,
  wanted: { name: string; scopes: Scope[]; expires_in_days: number },
): Promise<NewToken> {
  return http.post(`/api/v1/devices/${deviceId}/tokens`, wanted);
}

export function revokeToken(tokenId: string): Promise<null> {
  return http.delete(`/api/v1/tokens/${tokenId}`);
}

export async function ownDevices(): Promise<Device[]> {
  return rowsOf(await http.get<Device[] | Listed<Device>>("/api/v1/devices"));
}

/** Its sessions, tokens and sockets end at once, and every conversation removes it. */
export function revokeDevice(deviceId: string): Promise<null> {
  return http.delete(`/api/v1/devices/${deviceId}`);
}
