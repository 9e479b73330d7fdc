// The name of a group, which any of its people may change.

import { useState } from "preact/hooks";

import { MAX_NAME_CHARACTERS } from "../../wire.ts";
import type { ConversationSummary } from "../../worker/protocol.ts";
import { Field } from "../parts/field.tsx";
import { useShell } from "../shell.ts";
import { words } from "../words.ts";
import { OneSetting } from "./one-setting.tsx";

export function Rename({ conversation, onDone }: { conversation: ConversationSummary; onDone: () => void }) {
  const shell = useShell();
  const { id: conversationId, title } = conversation;
  const [name, setName] = useState(title);
  const wanted = name.trim();
  const save = async () => {
    await shell.engine.call("rename", { conversationId, name: wanted });
    onDone();
  };
  return (
    <OneSetting isChanged={wanted !== "" && wanted !== title} save={save} testid="rename-save">
      <Field
        label={words.search.groupName}
        value={name}
        onChange={setName}
        testid="rename"
        autocomplete="off"
        maxLength={MAX_NAME_CHARACTERS}
      />
    </OneSetting>
  );
}
