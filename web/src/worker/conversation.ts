// One conversation in memory: its record and its group, which change only by being saved.

import { fromBase64, toBase64 } from "../bytes.ts";
import { Group } from "../mls-group.ts";
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

  /** Whether a person may write, add and remove here. */
  get isWritable(): boolean {
    return this.isOpen && this.#record.pendingLeave === null;
  }

  /** Rejects when there is none: the conversation is not joined yet. */
  async group(): Promise<Group> {
    if (this.#group === null) {
      const [kept, beside] = await Promise.all([
        this.#records.get("groups", this.id),
        this.#records.get("trees", this.id),
      ]);
      if (!kept || !beside) throw new Error("a conversation without a group");
      this.#group = Group.restore({ secret: fromBase64(kept.secret), tree: fromBase64(beside.tree) });
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
    if (group) unit.put("groups", draft.id, { secret: toBase64(group.saveSecret()) });
    // The tree is large and the same all through an epoch.
    if (group && group.epoch !== this.#group?.epoch) {
      unit.put("trees", draft.id, { tree: toBase64(group.saveTree()) });
    }
    edit(draft, unit);
    unit.put("conversations", draft.id, draft);
    await unit.commit(durability);
    this.#record = draft;
    if (group) this.#group = group;
  }
}

/** The accounts in a group, each once. */
export function accountsIn(group: Group): string[] {
  return [...new Set(group.members.map(({ accountId }) => accountId))];
}

export function othersIn(group: Group, me: string): string[] {
  return accountsIn(group).filter((account) => account !== me);
}

/** Whom it is for has not been added yet; what is written waits for them. */
export function isUnfinished({ record }: Conversation, group: Group): boolean {
  return record.personIds.length > 0 && group.members.length === 1;
}
