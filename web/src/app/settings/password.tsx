// Changing the password, and the question for it before a sensitive change.

import { useState } from "preact/hooks";

import { changePassword } from "../../api/session.ts";
import { StrengthHint } from "../pages/strength.tsx";
import { useAction } from "../parts/action.ts";
import { Submit, Trouble } from "../parts/basics.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { PasswordField } from "../parts/field.tsx";
import { useShell } from "../shell.ts";
import { words } from "../words.ts";

export function ChangePassword({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title={words.settings.changePassword} onClose={onClose}>
      <ChangeForm onClose={onClose} />
    </Dialog>
  );
}

function ChangeForm({ onClose }: { onClose: () => void }) {
  const shell = useShell();
  const [current, setCurrent] = useState("");
  const [wanted, setWanted] = useState("");
  const action = useAction();
  const person = shell.session.value?.person;

  const submit = (event: Event) => {
    event.preventDefault();
    void action.run(async () => {
      await changePassword(current, wanted);
      shell.forgetPassword();
      await shell.refresh();
      shell.say(words.settings.passwordChanged);
      onClose();
    });
  };

  return (
    <form onSubmit={submit}>
      <PasswordField
        label={words.settings.currentPassword}
        value={current}
        onChange={setCurrent}
        testid="password-current"
        autocomplete="current-password"
        required
        autoFocus
      />
      <PasswordField
        label={words.settings.newPassword}
        value={wanted}
        onChange={setWanted}
        testid="password-new"
        autocomplete="new-password"
        required
      />
      <StrengthHint
        password={wanted}
        own={[person?.username ?? "", person?.display_name ?? ""]}
      />
      <Trouble problem={action.problem} />
      <div class="actions">
        <button type="button" class="button" onClick={onClose}>
          {words.cancel}
        </button>
        <Submit busy={action.busy} testid="password-change">
          {words.settings.changePassword}
        </Submit>
      </div>
    </form>
  );
}

/** Shown by the shell when the server wants to be sure that it is still the same person. */
export function PasswordQuestion() {
  const question = useShell().passwordQuestion.value;
  const [password, setPassword] = useState("");
  const action = useAction();
  if (question === null) return null;
  const cancel = () => {
    setPassword("");
    action.clear();
    question.cancel();
  };

  const submit = (event: Event) => {
    event.preventDefault();
    void action.run(async () => {
      await question.answer(password);
      setPassword("");
    });
  };

  return (
    <Dialog title={words.confirmPassword.title} onClose={cancel} testid="confirm-password">
      <form onSubmit={submit}>
        <p>{words.confirmPassword.lead}</p>
        <PasswordField
          label={words.confirmPassword.label}
          value={password}
          onChange={setPassword}
          testid="confirm-password-input"
          autocomplete="current-password"
          required
          autoFocus
        />
        <Trouble problem={action.problem} />
        <div class="actions">
          <button type="button" class="button" onClick={cancel}>
            {words.cancel}
          </button>
          <Submit busy={action.busy} testid="confirm-password-submit">
            {words.confirmPassword.submit}
          </Submit>
        </div>
      </form>
    </Dialog>
  );
}
