// Names of people: kept, and asked for again when they are old.

import { ProblemError } from "../api/http.ts";
import type { PersonRecord, Records } from "../store/records.ts";
import type { Server } from "./server.ts";

const FRESH_FOR = 60 * 60 * 1000;
const ASK_AGAIN_AFTER = 60 * 1000;
const PATIENCE = 2_000;
const UNKNOWN = "Somebody";

export class People {
  readonly #server: Server;
  readonly #records: Records;
  readonly #now: () => number;
  readonly #known = new Map<string, PersonRecord>();
  readonly #asking = new Map<string, Promise<void>>();
  readonly #failedAt = new Map<string, number>();
  /** A name came when nobody waited for it any more. */
  late: (personId: string) => void = () => undefined;

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

  /**
   * Without an answer from the server the old names stay, and nobody waits for long: names are asked
   * for while the engine's lock is held.
   */
  async ensure(personIds: Iterable<string>): Promise<void> {
    await Promise.all([...new Set(personIds)].map((id) => this.#asking.get(id) ?? this.#askIfDue(id)));
  }

  async #askIfDue(personId: string): Promise<void> {
    const known = this.#known.get(personId);
    if (known && this.#now() - known.fetchedAt <= FRESH_FOR) return;
    if (this.#now() - (this.#failedAt.get(personId) ?? -Infinity) < ASK_AGAIN_AFTER) return;
    const fetching = this.#fetch(personId).finally(() => this.#asking.delete(personId));
    const answer = atMost(PATIENCE, fetching);
    this.#asking.set(personId, answer);
    await answer;
  }

  async #fetch(personId: string): Promise<void> {
    const asked = performance.now();
    try {
      const { display_name: displayName } = await this.#server.person(personId);
      const person = { id: personId, displayName, fetchedAt: this.#now() };
      await this.#records.unit().put("people", personId, person).commit();
      this.#known.set(personId, person);
      this.#failedAt.delete(personId);
      if (performance.now() - asked >= PATIENCE) this.late(personId);
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      this.#failedAt.set(personId, this.#now());
    }
  }
}

/** Waits for the work to end, but not longer than so many milliseconds. */
async function atMost(milliseconds: number, work: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([work.finally(() => clearTimeout(timer)), over]);
}
