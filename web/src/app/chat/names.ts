// Names of the people in conversations, asked for once each.

import { signal, type ReadonlySignal } from "@preact/signals";

import { personOf, type Person } from "../../api/people.ts";

const people = signal<ReadonlyMap<string, Person>>(new Map());
const asked = new Set<string>();

export const knownPeople: ReadonlySignal<ReadonlyMap<string, Person>> = people;

export function remember(found: readonly Person[]): void {
  const next = new Map(people.value);
  for (const person of found) next.set(person.id, person);
  people.value = next;
}

/** Asks for those nobody asked for yet; a name that cannot be had now is asked for again later. */
export async function wantNames(ids: readonly string[]): Promise<void> {
  const unknown = ids.filter((id) => !people.value.has(id) && !asked.has(id));
  unknown.forEach((id) => asked.add(id));
  const answers = await Promise.allSettled(unknown.map(personOf));
  answers.forEach((answer, index) => {
    const id = unknown[index];
    if (answer.status === "rejected" && id !== undefined) asked.delete(id);
  });
  remember(answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : [])));
}

export function nameOf(id: string): string {
  return people.value.get(id)?.display_name ?? "…";
}
