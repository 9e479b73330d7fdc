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

function InviteForm({ onMade }: { onMade: (invitation: NewInvitation) => void }) {
  const [name, setName] = useState("");
  const [username, setUsername] = useState("");
  const [email, setEmail] = useState("");
  const [role, setRole] = useState<Role>("member");
  const [hours, setHours] = useState<(typeof LIFETIMES)[number]>(72);
  const action = useAction();

  const submit = (event: Event) => {
    event.preventDefault();
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
      <Field
        label={words.invite.displayName}
        value={name}
        onChange={setName}
        testid="invite-display-name"
        autocomplete="off"
        required
        autoFocus
      />
      <Field
        label={words.invite.username}
        value={username}
        onChange={setUsername}
        testid="invite-username"
        autocomplete="off"
        required
      />
      <Field
        label={words.invite.email}
        value={email}
        onChange={setEmail}
        testid="invite-email"
        type="email"
        autocomplete="off"
        required
      />
      <div class="two">
        <Select
          label={words.invite.role}
          value={role}
          onChange={(value) => setRole(ROLES.find((one) => one === value) ?? "member")}
          options={ROLES.map((one) => ({ value: one, label: words.invite.roles[one] }))}
          testid="invite-role"
        />
        <Select
          label={words.invite.hours}
          value={String(hours)}
          onChange={(value) => setHours(LIFETIMES.find((one) => String(one) === value) ?? 72)}
          options={LIFETIMES.map((one) => ({ value: String(one), label: words.invite.hour[one] }))}
        />
      </div>
      <Trouble problem={action.problem} />
      <div class="actions">
        <Submit busy={action.busy} testid="invite-submit">
          {words.invite.submit}
        </Submit>
      </div>
    </form>
  );
}
