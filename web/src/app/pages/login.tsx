import { useState } from "preact/hooks";

import { logIn } from "../../api/session.ts";
import { useAction } from "../parts/action.ts";
import { Note, Submit, Trouble } from "../parts/basics.tsx";
import { Field, PasswordField } from "../parts/field.tsx";
import { Gate } from "../parts/gate.tsx";
import { codeOf } from "../problems.ts";
import { useShell } from "../shell.ts";
import { words } from "../words.ts";

const WRONG = ["username_password_mismatch", "email_password_mismatch", "invalid", "required"];

export function LoginPage() {
  const organisation = useShell().session.value?.organisation ?? words.product;
  return (
    <Gate
      title={words.login.title}
      lead={words.login.lead(organisation)}
      focusTitle={false}
      foot={words.login.noAccount}
    >
      <LoginForm />
      <Note icon="lock">{words.login.promise}</Note>
    </Gate>
  );
}

function LoginForm() {
  const shell = useShell();
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const action = useAction();

  const submit = (event: Event) => {
    event.preventDefault();
    void action.run(async () => {
      const session = await logIn(username.trim(), password);
      shell.rememberPassword(password);
      shell.go({ name: "home" });
      shell.enter(session);
    });
  };

  const wrong = WRONG.includes(codeOf(action.problem) ?? "");
  return (
    <form onSubmit={submit}>
      <Field
        label={words.login.username}
        value={username}
        onChange={setUsername}
        testid="login-username"
        autocomplete="username"
        required
        autoFocus
      />
      <PasswordField
        label={words.login.password}
        value={password}
        onChange={setPassword}
        testid="login-password"
        autocomplete="current-password"
        required
      />
      <Trouble problem={wrong ? words.login.wrong : action.problem} />
      <Submit busy={action.busy} testid="login-submit">
        {words.login.submit}
      </Submit>
    </form>
  );
}
