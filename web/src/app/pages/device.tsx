// The two states without a bound device: make keys here, or find out that they are elsewhere.

import { useEffect, useState } from "preact/hooks";

import { deviceName } from "../device-name.ts";
import { useAction } from "../parts/action.ts";
import { Note, Spinner, Submit, Trouble } from "../parts/basics.tsx";
import { Confirm } from "../parts/dialog.tsx";
import { Field } from "../parts/field.tsx";
import { Gate } from "../parts/gate.tsx";
import { codeOf } from "../problems.ts";
import { type Shell, useShell } from "../shell.ts";
import { words } from "../words.ts";
import { StartAgain } from "./start-again.tsx";

const SLOW_MS = 4_000;
const REGISTERING_MS = 900;

export function CreateDevicePage() {
  return (
    <Gate
      title={words.device.title}
      lead={words.device.lead}
      foot={<StartAgain label={words.logOut} />}
    >
      <NewDeviceForm beginsAnew={false} submit={words.device.submit} />
    </Gate>
  );
}

interface NewDeviceProps {
  beginsAnew: boolean;
  submit: string;
}

/** Makes keys here; where the account had others before, only after the password was typed. */
export function NewDeviceForm({ beginsAnew, submit }: NewDeviceProps) {
  const shell = useShell();
  const [name, setName] = useState(() => deviceName(navigator.userAgent));
  const [asks, setAsks] = useState(false);
  const action = useAction();
  const create = (forgetOld: boolean) => createDevice(shell, { name: name.trim(), beginsAnew, forgetOld });
  const onSubmit = (event: Event) => {
    event.preventDefault();
    void action.run(async () => {
      try {
        await create(beginsAnew); // that page has asked already
      } catch (error) {
        if (codeOf(error) !== "old_keys_here") throw error;
        setAsks(true);
      }
    });
  };

  return (
    <>
      <form onSubmit={onSubmit}>
        <Field
          label={words.device.name}
          hint={words.device.nameHint}
          value={name}
          onChange={setName}
          testid="device-name"
          maxLength={60}
          required
        />
        {action.busy && <Making />}
        <Trouble problem={action.problem} />
        <Submit busy={action.busy} testid="device-create">
          {submit}
        </Submit>
      </form>
      {asks && <EraseOldKeys onConfirm={() => create(true)} onClose={() => setAsks(false)} />}
    </>
  );
}

async function createDevice(
  shell: Shell,
  wanted: { name: string; beginsAnew: boolean; forgetOld: boolean },
): Promise<void> {
  const session = shell.session.value;
  if (session?.person == null || session.challenge === null) return shell.refresh();
  const here = { personId: session.person.id, challenge: session.challenge };
  await shell.confirmed(() => shell.engine.call("createDevice", { ...wanted, ...here }));
  shell.forgetPassword();
  await shell.refresh();
}

/** What a person has written here is not thrown away because a server says so. */
function EraseOldKeys({ onConfirm, onClose }: { onConfirm: () => Promise<void>; onClose: () => void }) {
  return (
    <Confirm
      title={words.device.oldKeysTitle}
      lead={words.device.oldKeysLead}
      confirm={words.device.oldKeysErase}
      onConfirm={onConfirm}
      onClose={onClose}
    />
  );
}

/** The engine does not tell how far it is; time says enough. */
function Making() {
  const [said, setSaid] = useState<string>(words.device.making);
  useEffect(() => {
    const registering = setTimeout(() => setSaid(words.device.registering), REGISTERING_MS);
    const slow = setTimeout(() => setSaid(words.device.slow), SLOW_MS);
    return () => {
      clearTimeout(registering);
      clearTimeout(slow);
    };
  }, []);
  return (
    <div class="progress" role="status">
      <span class="progress-bar" aria-hidden="true" />
      <span>{said}</span>
    </div>
  );
}

export function OtherDevicePage() {
  const shell = useShell();
  const [isElsewhere, setElsewhere] = useState(false);
  const action = useAction();

  const prove = () =>
    void action.run(async () => {
      const session = shell.session.value;
      if (session?.person == null || session.challenge === null) return shell.refresh();
      const personId = session.person.id;
      const here = await shell.engine.call("deviceHere", { personId });
      setElsewhere(here === null);
      if (here === null) return;
      await shell.engine.call("bindDevice", { personId, challenge: session.challenge });
      shell.forgetPassword();
      await shell.refresh();
    });
  useEffect(prove, []);

  if (!isElsewhere && action.problem === null) {
    return (
      <Gate title={words.device.proving}>
        <Spinner />
      </Gate>
    );
  }
  return (
    <Gate title={isElsewhere ? words.elsewhere.title : words.failure.engine}>
      {isElsewhere && (
        <div class="stack" data-testid="keys-elsewhere">
          <p class="lead">{words.elsewhere.lead}</p>
          <Note icon="device">{words.elsewhere.todo}</Note>
        </div>
      )}
      <Trouble problem={action.problem} />
      <div class="actions">
        <button type="button" class="button" onClick={() => void shell.refresh().then(prove)}>
          {words.retry}
        </button>
        <LogOutButton />
      </div>
    </Gate>
  );
}

export function LogOutButton() {
  const shell = useShell();
  const action = useAction();
  return (
    <button
      type="button"
      class="button primary"
      data-testid="log-out"
      onClick={() => void action.run(() => shell.leave())}
    >
      {words.logOut}
    </button>
  );
}
