// Adding people to a group that exists.

import { useState } from "preact/hooks";

import type { Person } from "../../api/people.ts";
import type { ConversationSummary } from "../../worker/protocol.ts";
import { useAction } from "../parts/action.ts";
import { Submit, Trouble } from "../parts/basics.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { useShell } from "../shell.ts";
import { words } from "../words.ts";
import { Chosen, PeoplePicker, toggled } from "./picker.tsx";

interface AddPeopleProps {
  conversation: ConversationSummary;
  onClose: () => void;
}

export function AddPeople({ conversation, onClose }: AddPeopleProps) {
  const shell = useShell();
  const [people, setPeople] = useState<Person[]>([]);
  const action = useAction();
  const toggle = (person: Person) => setPeople((now) => toggled(now, person));
  const present = new Set([...conversation.personIds, shell.session.value?.person?.id ?? ""]);

  const submit = (event: Event) => {
    event.preventDefault();
    void action.run(async () => {
      const personIds = people.map((person) => person.id);
      await shell.withKnownKeys(() =>
        shell.engine.call("addPeople", { conversationId: conversation.id, personIds }),
      );
      onClose();
    });
  };

  return (
    <Dialog title={words.search.addTitle} onClose={onClose} testid="add-people-dialog">
      <form onSubmit={submit}>
        <p class="lead">{words.search.addLead}</p>
        <Chosen people={people} onRemove={toggle} />
        <PeoplePicker
          without={present}
          chosen={people}
          disabled={action.busy}
          onToggle={toggle}
          autoFocus
        />
        <Trouble problem={action.problem} />
        <div class="actions">
          <Submit busy={action.busy} disabled={people.length === 0} testid="add-people-submit">
            {action.busy ? words.search.adding : words.search.add}
          </Submit>
        </div>
      </form>
    </Dialog>
  );
}
