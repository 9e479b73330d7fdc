// Accepting an invitation: who invites, a name, a password.

import { useEffect, useState } from "preact/hooks";

import { accept, lookUp, type InvitationFacts } from "../../api/invitations.ts";
import { useAction } from "../parts/action.ts";
import { Spinner, Submit, Trouble } from "../parts/basics.tsx";
import { Field, PasswordField } from "../parts/field.tsx";
import { Gate } from "../parts/gate.tsx";
import { useShell } from "../shell.ts";
import { fullTime } from "../time.ts";
import { words } from "../words.ts";
import { StrengthHint } from "./strength.tsx";

export function InvitationPage() {
  const shell = useShell();
  const person = shell.session.value?.person ?? null;
  if (person !== null) return <LoggedInAlready name={person.display_name} />;
  if (shell.invitationToken === null) {
    return <Gate title={words.invitation.lostTitle} lead={words.invitation.lost} foot={<ToLogin />} />;
  }
  return <Invitation key={shell.invitationToken} token={shell.invitationToken} />;
}

function ToLogin() {
  return <a href="#/login">{words.invitation.toLogin}</a>;
}

function LoggedInAlready({ name }: { name: string }) {
  const shell = useShell();
  const action = useAction();
  const leave = () =>
    action.run(async () => {
      await shell.leave();
      shell.go({ name: "invitation", token: null });
    });
  return (
    <Gate title={words.invitation.title(shell.session.value?.organisation ?? words.product)}>
      <p>{words.invitation.loggedIn(name)}</p>
      <Trouble problem={action.problem} />
      <div class="actions">
        <a class="button" href="#/">
          {words.cancel}
        </a>
        <button type="button" class="button primary" onClick={() => void leave()}>
          {words.logOut}
        </button>
      </div>
    </Gate>
  );
}

function Invitation({ token }: { token: string }) {
  const [facts, setFacts] = useState<InvitationFacts | null>(null);
  const looking = useAction();
  const look = () => void looking.run(async () => setFacts(await lookUp(token)));
  useEffect(look, [token]);

  const organisation = useShell().session.value?.organisation ?? words.product;
  if (facts !== null) return <AcceptForm token={token} facts={facts} />;
  return (
    <Gate title={words.invitation.title(organisation)} foot={<ToLogin />}>
      {looking.busy && <Spinner />}
      <Trouble problem={looking.problem} />
      {looking.problem !== null && (
        <button type="button" class="button" onClick={look}>
          {words.retry}
        </button>
      )}
    </Gate>
  );
}

function AcceptForm({ token, facts }: { token: string; facts: InvitationFacts }) {
  const shell = useShell();
  const action = useAction();
  const [username, setUsername] = useState(facts.username);
  const [name, setName] = useState(facts.display_name);
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const [asked, setAsked] = useState(false);
  const differs = password !== again;

  const submit = (event: Event) => {
    event.preventDefault();
    setAsked(true);
    if (differs) return;
    void action.run(async () => {
      const session = await accept({
        token,
        username: username.trim(),
        display_name: name.trim(),
        password,
      });
      shell.invitationToken = null;
      shell.rememberPassword(password);
      shell.go({ name: "home" });
      shell.enter(session);
    });
  };

  return (
    <Gate
      title={words.invitation.title(facts.organisation)}
      lead={words.invitation.lead}
      foot={words.invitation.until(fullTime(facts.expires_at))}
    >
      <form onSubmit={submit}>
        <Field
          label={words.invitation.username}
          hint={words.invitation.usernameHint}
          value={username}
          onChange={setUsername}
          testid="accept-username"
          autocomplete="username"
          required
        />
        <Field
          label={words.invitation.displayName}
          hint={words.invitation.displayNameHint}
          value={name}
          onChange={setName}
          testid="accept-display-name"
          autocomplete="name"
          required
        />
        <PasswordField
          label={words.invitation.password}
          value={password}
          onChange={setPassword}
          testid="accept-password"
          autocomplete="new-password"
          required
        />
        <StrengthHint password={password} own={[username, name]} />
        <PasswordField
          label={words.invitation.again}
          value={again}
          onChange={setAgain}
          testid="accept-password-again"
          autocomplete="new-password"
          error={asked && differs ? words.invitation.differs : null}
          required
        />
        <Trouble problem={action.problem} />
        <Submit busy={action.busy} testid="accept-submit">
          {words.invitation.submit}
        </Submit>
      </form>
    </Gate>
  );
}
