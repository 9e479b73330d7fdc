// The second factors: which there are, add one, take one away.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

import { withdrawFace } from "../../api/face.ts";
import { newRecoveryCodes, removeTotp } from "../../api/session.ts";
import { Codes } from "../pages/recovery.tsx";
import { Confirm, Dialog } from "../parts/dialog.tsx";
import { Icon, type IconName } from "../parts/icon.tsx";
import { type Shell, useShell } from "../shell.ts";
import { words } from "../words.ts";

type Asked = "withdraw" | "remove_totp" | "new_codes" | null;

export function Factors() {
  const [asked, setAsked] = useState<Asked>(null);
  const [codes, setCodes] = useState<string[] | null>(null);
  return (
    <section aria-labelledby="settings-factors">
      <h3 id="settings-factors">{words.settings.security}</h3>
      <ul class="factors">
        <FaceFactor ask={setAsked} />
        <AppFactor ask={setAsked} />
        <RecoveryFactor ask={setAsked} />
      </ul>
      <Questions asked={asked} onClose={() => setAsked(null)} onCodes={setCodes} />
      {codes !== null && (
        <Dialog title={words.recovery.title} onClose={() => setCodes(null)}>
          <p>{words.recovery.lead}</p>
          <Codes codes={codes} />
        </Dialog>
      )}
    </section>
  );
}

interface AskProps {
  ask: (what: Asked) => void;
}

function FaceFactor({ ask }: AskProps) {
  const shell = useShell();
  const session = shell.session.value;
  const isOn = session?.second_factors.face ?? false;
  const isOffered = session?.face_enabled ?? false;
  if (!isOffered && !isOn) return null;
  return (
    <Factor icon="face" name={words.settings.face} isOn={isOn}>
      {isOffered && (
        <Small testid="face-enrol" onClick={() => enrol(shell, "face")}>
          {isOn ? words.settings.againFace : words.settings.addFace}
        </Small>
      )}
      {isOn && (
        <Small testid="face-withdraw" onClick={() => ask("withdraw")}>
          {words.settings.withdrawFace}
        </Small>
      )}
    </Factor>
  );
}

function AppFactor({ ask }: AskProps) {
  const shell = useShell();
  const isOn = shell.session.value?.second_factors.totp ?? false;
  return (
    <Factor icon="phone" name={words.settings.totp} isOn={isOn}>
      {isOn ? (
        <Small testid="totp-remove" onClick={() => ask("remove_totp")}>
          {words.settings.removeTotp}
        </Small>
      ) : (
        <Small testid="totp-add" onClick={() => enrol(shell, "totp")}>
          {words.settings.addTotp}
        </Small>
      )}
    </Factor>
  );
}

function RecoveryFactor({ ask }: AskProps) {
  const isOn = useShell().session.value?.second_factors.recovery_codes ?? false;
  return (
    <Factor icon="key" name={words.settings.recovery} isOn={isOn}>
      <Small testid="recovery-new" onClick={() => ask("new_codes")}>
        {words.settings.newCodes}
      </Small>
    </Factor>
  );
}

function enrol(shell: Shell, way: "face" | "totp"): void {
  shell.unfinished.value = { step: "enrolling", way };
}

interface FactorProps {
  icon: IconName;
  name: string;
  isOn: boolean;
  children: ComponentChildren;
}

function Factor({ icon, name, isOn, children }: FactorProps) {
  return (
    <li class="factor">
      <Icon name={icon} />
      <span class="factor-name">
        <strong>{name}</strong>
        <span class={isOn ? "good" : "muted"}>{isOn ? words.settings.on : words.settings.off}</span>
      </span>
      <span class="factor-actions">{children}</span>
    </li>
  );
}

function Small(props: { testid: string; onClick: () => void; children: ComponentChildren }) {
  return (
    <button type="button" class="button" data-testid={props.testid} onClick={props.onClick}>
      {props.children}
    </button>
  );
}

interface QuestionsProps {
  asked: Asked;
  onClose: () => void;
  onCodes: (codes: string[]) => void;
}

/** Every change here asks first, and asks for the password where the server wants it. */
function Questions({ asked, onClose, onCodes }: QuestionsProps) {
  const shell = useShell();
  if (asked === null) return null;
  const withdraw = async () => {
    shell.enter(await shell.confirmed(withdrawFace));
    shell.say(words.settings.withdrawn);
  };
  const remove = async () => {
    await shell.confirmed(removeTotp);
    await shell.refresh();
    shell.say(words.settings.removed);
  };
  const renew = async () => {
    onCodes(await shell.confirmed(newRecoveryCodes));
    await shell.refresh();
  };
  const questions = {
    withdraw: {
      title: words.settings.withdrawTitle,
      lead: words.settings.withdrawLead,
      confirm: words.settings.withdrawConfirm,
      onConfirm: withdraw,
    },
    remove_totp: {
      title: words.settings.removeTotpTitle,
      lead: words.settings.removeTotpLead,
      confirm: words.settings.removeTotpConfirm,
      onConfirm: remove,
    },
    new_codes: {
      title: words.settings.newCodesTitle,
      lead: words.settings.newCodesLead,
      confirm: words.settings.newCodesConfirm,
      onConfirm: renew,
    },
  };
  return <Confirm key={asked} {...questions[asked]} onClose={onClose} />;
}
