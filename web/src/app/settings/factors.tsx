// The second factors: which there are, add one, take one away.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

import { withdrawFace } from "../../api/face.ts";
import { newRecoveryCodes, removeTotp } from "../../api/session.ts";
import { Codes } from "../pages/recovery.tsx";
import { Confirm, Dialog } from "../parts/dialog.tsx";
import { Icon, type IconName } from "../parts/icon.tsx";
import { useShell } from "../shell.ts";
import { words } from "../words.ts";

type Asked = "withdraw" | "remove_totp" | "new_codes" | null;

export function Factors() {
  const shell = useShell();
  const [asked, setAsked] = useState<Asked>(null);
  const [codes, setCodes] = useState<string[] | null>(null);
  const session = shell.session.value;
  if (session === null) return null;
  const factors = session.second_factors;
  const enrol = (way: "face" | "totp") => {
    shell.unfinished.value = { step: "enrolling", way };
  };

  return (
    <section aria-labelledby="settings-factors">
      <h3 id="settings-factors">{words.settings.security}</h3>
      <ul class="factors">
        {(session.face_enabled || factors.face) && (
          <Factor icon="face" name={words.settings.face} isOn={factors.face}>
            {session.face_enabled && (
              <Small testid="face-enrol" onClick={() => enrol("face")}>
                {factors.face ? words.settings.againFace : words.settings.addFace}
              </Small>
            )}
            {factors.face && (
              <Small testid="face-withdraw" onClick={() => setAsked("withdraw")}>
                {words.settings.withdrawFace}
              </Small>
            )}
          </Factor>
        )}
        <Factor icon="phone" name={words.settings.totp} isOn={factors.totp}>
          {factors.totp ? (
            <Small testid="totp-remove" onClick={() => setAsked("remove_totp")}>
              {words.settings.removeTotp}
            </Small>
          ) : (
            <Small testid="totp-add" onClick={() => enrol("totp")}>
              {words.settings.addTotp}
            </Small>
          )}
        </Factor>
        <Factor icon="key" name={words.settings.recovery} isOn={factors.recovery_codes}>
          <Small testid="recovery-new" onClick={() => setAsked("new_codes")}>
            {words.settings.newCodes}
          </Small>
        </Factor>
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
