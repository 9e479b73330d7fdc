// Starting a conversation: a click on one person, or a group with a name.

import { useState } from "preact/hooks";

import type { Person } from "../../api/people.ts";
import { MAX_NAME_CHARACTERS } from "../../wire.ts";
import { useAction } from "../parts/action.ts";
import { Submit, Trouble } from "../parts/basics.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { Field } from "../parts/field.tsx";
import { Icon } from "../parts/icon.tsx";
import { useShell } from "../shell.ts";
import { words } from "../words.ts";
import { Chosen, PeoplePicker, toggled } from "./picker.tsx";

export function NewConversation({ onClose }: { onClose: () => void }) {
  const [isGroup, setGroup] = useState(false);
  return (
    <Dialog
      title={isGroup ? words.search.groupTitle : words.search.title}
      onClose={onClose}
      testid="new-conversation-dialog"
    >
      <button
        type="button"
        class="button wide"
        data-testid="new-group"
        onClick={() => setGroup(!isGroup)}
      >
        <Icon name={isGroup ? "person" : "group"} />
        <span>{isGroup ? words.search.oneToOne : words.search.makeGroup}</span>
      </button>
      {isGroup ? <Group onClose={onClose} /> : <Direct onClose={onClose} />}
    </Dialog>
  );
}

function useMe(): ReadonlySet<string> {
  return new Set([useShell().session.value?.person?.id ?? ""]);
}

function Direct({ onClose }: { onClose: () => void }) {
  const shell = useShell();
  const me = useMe();
  const action = useAction();
  const start = (person: Person) =>
    void action.run(async () => {
      const { conversationId } = await shell.withKnownKeys(() =>
        shell.engine.call("startDirect", { personId: person.id }),
      );
      onClose();
      shell.go({ name: "conversation", id: conversationId });
    });
  return (
    <>
      <PeoplePicker without={me} chosen={[]} disabled={action.busy} onToggle={start} autoFocus />
      {action.busy && <p role="status">{words.search.starting}</p>}
      <Trouble problem={action.problem} />
    </>
  );
}

function Group({ onClose }: { onClose: () => void }) {
  const shell = useShell();
  const me = useMe();
  const [name, setName] = useState("");
  const [people, setPeople] = useState<Person[]>([]);
  const [missing, setMissing] = useState<string | null>(null);
  const action = useAction();
  const toggle = (person: Person) => setPeople((now) => toggled(now, person));

  const submit = (event: Event) => {
    event.preventDefault();
    const lacks = name.trim() === "" ? words.search.needName : null;
    setMissing(lacks ?? (people.length === 0 ? words.search.needPeople : null));
    if (lacks !== null || people.length === 0) return;
    void action.run(async () => {
      const personIds = people.map((person) => person.id);
      const created = await shell.withKnownKeys(() =>
        shell.engine.call("createGroup", { name: name.trim(), personIds }),
      );
      onClose();
      shell.go({ name: "conversation", id: created.conversationId });
    });
  };

  return (
    <form onSubmit={submit} noValidate>
      <Field
        label={words.search.groupName}
        value={name}
        onChange={setName}
        testid="group-name"
        autoFocus
        maxLength={MAX_NAME_CHARACTERS}
        autocomplete="off"
      />
      <Chosen people={people} onRemove={toggle} />
      <PeoplePicker without={me} chosen={people} disabled={action.busy} onToggle={toggle} />
      <Trouble problem={missing ?? action.problem} />
      <div class="actions">
        <Submit busy={action.busy} testid="group-create">
          {action.busy ? words.search.creating : words.search.create}
        </Submit>
      </div>
    </form>
  );
}
