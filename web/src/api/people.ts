// The organisation's people, as far as every member may see them.

import { http } from "./http.ts";
import type { Role } from "./session.ts";

export interface Person {
  id: string;
  username: string;
  display_name: string;
  role: Role;
  /** Null until the person has a device: nobody can write to them yet. */
  identity_key: string | null;
}

export interface PeoplePage {
  next: string | null;
  previous: string | null;
  results: Person[];
}

export function searchPeople(search: string): Promise<PeoplePage> {
  return http.get(`/api/v1/people?search=${encodeURIComponent(search)}`);
}

export function personOf(id: string): Promise<Person> {
  return http.get(`/api/v1/people/${id}`);
}
