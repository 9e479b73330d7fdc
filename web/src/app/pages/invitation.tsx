// Accepting an invitation: who invites, a name, a password.

import { useState } from "preact/hooks";

import { accept, lookUp, type InvitationFacts } from "../../api/invitations.ts";
import { useAction } from "../parts/action.ts";
import { Asking, useAsked } from "../parts/asked.tsx";
import { Submit, Trouble } from "../parts/basics.tsx";
import { Field, PasswordField } from "../parts/field.tsx";
import { Gate } from "../parts/gate.tsx";
import { type Shell, useShell } from "../shell.ts";
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
  const asked = useAsked(() => lookUp(token), token);
  const organisation = useShell().session.value?.organisation ?? words.product;
  if (asked.value !== null) return <AcceptForm token={token} facts={asked.value} />;
  return (
    <Gate title={words.invitation.title(organisation)} foot={<ToLogin />}>
      <Asking asked={asked} />
    </Gate>
  );
}

interface Wanted {
  username: string;
  name: string;
  password: string;
  again: string;
}

function AcceptForm({ token, facts }: { token: string; facts: InvitationFacts }) {
  const shell = useShell();
  const action = useAction();
  const { username, display_name: name } = facts;
  const [wanted, setWanted] = useState<Wanted>({ username, name, password: "", again: "" });
  const [asked, setAsked] = useState(false);
  const differs = wanted.password !== wanted.again;
  const change = (changed: Partial<Wanted>) => setWanted((now) => ({ ...now, ...changed }));

  const submit = (event: Event) => {
    event.preventDefault();
    setAsked(true);
    if (!differs) void action.run(() => acceptAs(shell, token, wanted));
  };

  return (
    <Gate
      title={words.invitation.title(facts.organisation)}
      lead={words.invitation.lead}
      foot={words.invitation.until(fullTime(facts.expires_at))}
    >
      <form onSubmit={submit}>
        <NameFields wanted={wanted} onChange={change} />
        <PasswordFields wanted={wanted} onChange={change} differs={asked && differs} />
        <Trouble problem={action.problem} />
        <Submit busy={action.busy} testid="accept-submit">
          {words.invitation.submit}
        </Submit>
      </form>
    </Gate>
  );
}

async function acceptAs(shell: Shell, token: string, { username, name, password }: Wanted): Promise<void> {
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
}

interface FieldsProps {
  wanted: Wanted;
  onChange: (changed: Partial<Wanted>) => void;
}

function NameFields({ wanted, onChange }: FieldsProps) {
  return (
    <>
      <Field
        label={words.invitation.username}
        hint={words.invitation.usernameHint}
        value={wanted.username}
        onChange={(username) => onChange({ username })}
        testid="accept-username"
        autocomplete="username"
        required
      />
      <Field
        label={words.invitation.displayName}
        hint={words.invitation.displayNameHint}
        value={wanted.name}
        onChange={(name) => onChange({ name })}
        testid="accept-display-name"
        autocomplete="name"
        required
      />
    </>
  );
}

function PasswordFields({ wanted, onChange, differs }: FieldsProps & { differs: boolean }) {
  const { username, name, password, again } = wanted;
  return (
    <>
      <PasswordField
        label={words.invitation.password}
        value={password}
        onChange={(changed) => onChange({ password: changed })}
        testid="accept-password"
        autocomplete="new-password"
        required
      />
      <StrengthHint password={password} own={[username, name]} />
      <PasswordField
        label={words.invitation.again}
        value={again}
        onChange={(changed) => onChange({ again: changed })}
        testid="accept-password-again"
        autocomplete="new-password"
        error={differs ? words.invitation.differs : null}
        required
      />
    </>
  );
}
