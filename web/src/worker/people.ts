// Names of people: kept, and asked for again when they are old.

import { ProblemError } from "../api/http.ts";
import type { PersonRecord, Records } from "../store/records.ts";
import type { Server } from "./server.ts";

const FRESH_FOR = 60 * 60 * 1000;
const UNKNOWN = "Somebody";

export class People {
  readonly #server: Server;
  readonly #records: Records;
  readonly #now: () => number;
  readonly #known = new Map<string, PersonRecord>();
  readonly #asking = new Map<string, Promise<void>>();

  private constructor(server: Server, records: Records, now: () => number) {
    this.#server = server;
    this.#records = records;
    this.#now = now;
  }

  static async load(server: Server, records: Records, now: () => number): Promise<People> {
    const people = new People(server, records, now);
    for (const [id, person] of await records.all("people")) people.#known.set(id, person);
    return people;
  }

  name(personId: string): string {
    return this.#known.get(personId)?.displayName ?? UNKNOWN;
  }

  /** Without an answer from the server the old names stay. */
  async ensure(personIds: Iterable<string>): Promise<void> {
    const due = [...personIds].filter((id) => {
      const known = this.#known.get(id);
      return !known || this.#now() - known.fetchedAt > FRESH_FOR;
    });
    await Promise.all(due.map((id) => this.#ask(id)));
  }

  #ask(personId: string): Promise<void> {
    const already = this.#asking.get(personId);
    if (already) return already;
    const asking = this.#fetch(personId).finally(() => this.#asking.delete(personId));
    this.#asking.set(personId, asking);
    return asking;
  }

  async #fetch(personId: string): Promise<void> {
    try {
      const { display_name: displayName } = await this.#server.person(personId);
      const person = { id: personId, displayName, fetchedAt: this.#now() };
      await this.#records.unit().put("people", personId, person).commit();
      this.#known.set(personId, person);
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
    }
  }
}
