// One conversation in memory: its record and its group, which change only by being saved.

import { fromBase64, toBase64 } from "../bytes.ts";
import { parseCredential } from "../identity.ts";
import { Group } from "../mls-engine.ts";
import type { Durability } from "../store/port.ts";
import type { ConversationRecord, Records, Unit } from "../store/records.ts";

type Edit = (draft: ConversationRecord, unit: Unit) => void;

export class Conversation {
  readonly #records: Records;
  #record: ConversationRecord;
  #group: Group | null;

  constructor(records: Records, record: ConversationRecord, group: Group | null = null) {
    this.#records = records;
    this.#record = record;
    this.#group = group;
  }

  get id(): string {
    return this.#record.id;
  }

  get record(): Readonly<ConversationRecord> {
    return this.#record;
  }

  get isOpen(): boolean {
    return this.#record.state === "open";
  }

  /** Rejects when there is none: the conversation is not joined yet. */
  async group(): Promise<Group> {
    if (this.#group === null) {
      const stored = await this.#records.get("groups", this.id);
      if (!stored) throw new Error("a conversation without a group");
      this.#group = Group.restore(fromBase64(stored.state));
    }
    return this.#group;
  }

  /** Writes what `edit` changes in one transaction, and only then takes it over. */
  save(edit: Edit, group?: Group): Promise<void> {
    return this.#write(edit, group, "strict");
  }

  /** For what came out of the log: a power cut may take it, and the log gives it again. */
  saveReceived(edit: Edit, group?: Group): Promise<void> {
    return this.#write(edit, group, "relaxed");
  }

  async #write(edit: Edit, group: Group | undefined, durability: Durability): Promise<void> {
    const draft = structuredClone(this.#record);
    const unit = this.#records.unit();
    edit(draft, unit);
    unit.put("conversations", draft.id, draft);
    if (group) unit.put("groups", draft.id, { state: toBase64(group.serialise()) });
    await unit.commit(durability);
    this.#record = draft;
    if (group) this.#group = group;
  }
}

/** The accounts in a group, each once. */
export function accountsIn(group: Group): string[] {
  return [...new Set(group.members.map(({ identity }) => parseCredential(identity).accountId))];
}

export function othersIn(group: Group, me: string): string[] {
  return accountsIn(group).filter((account) => account !== me);
}
