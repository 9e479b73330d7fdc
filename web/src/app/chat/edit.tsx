// Changing what one wrote, for everybody.

import { useId, useState } from "preact/hooks";

import type { MessageView } from "../../worker/protocol.ts";
import { useAction } from "../parts/action.ts";
import { Submit, Trouble } from "../parts/basics.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { useShell } from "../shell.ts";
import { words } from "../words.ts";

const ROWS = 4;

export function EditMessage({ message, onClose }: { message: MessageView; onClose: () => void }) {
  const shell = useShell();
  const action = useAction();
  const id = useId();
  const [text, setText] = useState(message.text);
  const { conversationId, id: messageId } = message;
  const wanted = text.trim();
  const save = async () => {
    await shell.engine.call("editMessage", { conversationId, messageId, text: wanted });
    onClose();
  };
  return (
    <Dialog title={words.actions.editTitle} onClose={onClose} testid="edit-dialog">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void action.run(save);
        }}
      >
        <div class="field">
          <label for={id}>{words.composer.label}</label>
          <textarea
            id={id}
            rows={ROWS}
            value={text}
            autofocus // for the moment in which the dialog opens
            data-testid="edit-text"
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </div>
        <Trouble problem={action.problem} />
        <div class="actions">
          <Submit busy={action.busy} disabled={wanted === "" || wanted === message.text} testid="edit-save">
            {words.save}
          </Submit>
        </div>
      </form>
    </Dialog>
  );
}
