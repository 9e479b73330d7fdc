// The name of a group, which any of its people may change.

import { useState } from "preact/hooks";

import { MAX_NAME_CHARACTERS } from "../../wire.ts";
import type { ConversationSummary } from "../../worker/protocol.ts";
import { useAction } from "../parts/action.ts";
import { Submit, Trouble } from "../parts/basics.tsx";
import { Field } from "../parts/field.tsx";
import { useShell } from "../shell.ts";
import { words } from "../words.ts";

export function Rename({ conversation, onDone }: { conversation: ConversationSummary; onDone: () => void }) {
  const shell = useShell();
  const action = useAction();
  const { id: conversationId, title } = conversation;
  const [name, setName] = useState(title);
  const wanted = name.trim();
  const save = async () => {
    await shell.engine.call("rename", { conversationId, name: wanted });
    onDone();
  };
  return (
    <form
      class="one-setting"
      onSubmit={(event) => {
        event.preventDefault();
        void action.run(save);
      }}
    >
      <Field
        label={words.search.groupName}
        value={name}
        onChange={setName}
        testid="rename"
        autocomplete="off"
        maxLength={MAX_NAME_CHARACTERS}
      />
      <Submit busy={action.busy} disabled={wanted === "" || wanted === title} testid="rename-save">
        {words.save}
      </Submit>
      <Trouble problem={action.problem} />
    </form>
  );
}
