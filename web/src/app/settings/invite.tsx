// An administrator invites a person: a link, shown once, handed over by hand.

import { useState } from "preact/hooks";

import { invite, type NewInvitation } from "../../api/invitations.ts";
import type { Role } from "../../api/session.ts";
import { useAction } from "../parts/action.ts";
import { CopyButton, Submit, Trouble } from "../parts/basics.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { Field, Select } from "../parts/field.tsx";
import { fullTime } from "../time.ts";
import { words } from "../words.ts";

const ROLES: readonly Role[] = ["member", "administrator", "auditor"];
const LIFETIMES = [24, 72, 168] as const;

export function Invite({ onClose }: { onClose: () => void }) {
  const [made, setMade] = useState<NewInvitation | null>(null);
  return (
    <Dialog title={words.invite.title} onClose={onClose} testid="invite-dialog">
      {made === null ? (
        <InviteForm onMade={setMade} />
      ) : (
        <>
          <p>{words.invite.once}</p>
          <p class="secret-row">
            <code class="secret" data-testid="invite-link">
              {made.link}
            </code>
            <CopyButton text={made.link} testid="invite-copy" />
          </p>
          <p class="hint">{words.invitation.until(fullTime(made.expires_at))}</p>
          <div class="actions">
            <button type="button" class="button" onClick={() => setMade(null)}>
              {words.invite.another}
            </button>
            <button type="button" class="button primary" onClick={onClose}>
              {words.done}
            </button>
          </div>
        </>
      )}
    </Dialog>
  );
}

interface Wanted {
  name: string;
  username: string;
  email: string;
  role: Role;
  hours: (typeof LIFETIMES)[number];
}

const NOBODY: Wanted = { name: "", username: "", email: "", role: "member", hours: 72 };

function InviteForm({ onMade }: { onMade: (invitation: NewInvitation) => void }) {
  const [wanted, setWanted] = useState(NOBODY);
  const action = useAction();
  const change = (changed: Partial<Wanted>) => setWanted((now) => ({ ...now, ...changed }));

  const submit = (event: Event) => {
    event.preventDefault();
    const { name, username, email, role, hours } = wanted;
    void action.run(async () =>
      onMade(
        await invite({
          username: username.trim(),
          display_name: name.trim(),
          email: email.trim(),
          role,
          expires_in_hours: hours,
        }),
      ),
    );
  };

  return (
    <form onSubmit={submit}>
      <p class="lead">{words.invite.lead}</p>
      <WhoFields wanted={wanted} onChange={change} />
      <TermsFields wanted={wanted} onChange={change} />
      <Trouble problem={action.problem} />
      <div class="actions">
        <Submit busy={action.busy} testid="invite-submit">
          {words.invite.submit}
        </Submit>
      </div>
    </form>
  );
}

interface FieldsProps {
  wanted: Wanted;
  onChange: (changed: Partial<Wanted>) => void;
}

function WhoFields({ wanted, onChange }: FieldsProps) {
  return (
    <>
      <Field
        label={words.invite.displayName}
        value={wanted.name}
        onChange={(name) => onChange({ name })}
        testid="invite-display-name"
        autocomplete="off"
        required
        autoFocus
      />
      <Field
        label={words.invite.username}
        value={wanted.username}
        onChange={(username) => onChange({ username })}
        testid="invite-username"
        autocomplete="off"
        required
      />
      <Field
        label={words.invite.email}
        value={wanted.email}
        onChange={(email) => onChange({ email })}
        testid="invite-email"
        type="email"
        autocomplete="off"
      />
    </>
  );
}

function TermsFields({ wanted, onChange }: FieldsProps) {
  return (
    <div class="two">
      <Select
        label={words.invite.role}
        value={wanted.role}
        onChange={(value) => onChange({ role: ROLES.find((one) => one === value) ?? "member" })}
        options={ROLES.map((one) => ({ value: one, label: words.invite.roles[one] }))}
        testid="invite-role"
      />
      <Select
        label={words.invite.hours}
        value={String(wanted.hours)}
        onChange={(value) => onChange({ hours: LIFETIMES.find((one) => String(one) === value) ?? 72 })}
        options={LIFETIMES.map((one) => ({ value: String(one), label: words.invite.hour[one] }))}
      />
    </div>
  );
}
