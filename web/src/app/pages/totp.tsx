// Enrolling an authenticator app: a QR code, the same secret as text, one code as proof.

import { useEffect, useMemo, useState } from "preact/hooks";

import { addTotp, getSession, offerTotp, type Session, type TotpOffer } from "../../api/session.ts";
import { useAction } from "../parts/action.ts";
import { CopyButton, Spinner, Submit, Trouble } from "../parts/basics.tsx";
import { Field } from "../parts/field.tsx";
import { Gate } from "../parts/gate.tsx";
import { codeOf } from "../problems.ts";
import { QrPicture } from "../qr/picture.tsx";
import { useShell } from "../shell.ts";
import { words } from "../words.ts";

const WRONG = ["incorrect_code", "invalid", "required"];

interface TotpProps {
  onEnrolled: (session: Session) => void;
  onBack: () => void;
  onInstead: (() => void) | null;
}

export function TotpPage({ onEnrolled, onBack, onInstead }: TotpProps) {
  const shell = useShell();
  const [offer, setOffer] = useState<TotpOffer | null>(null);
  const looking = useAction();
  const look = () => void looking.run(async () => setOffer(await shell.confirmed(offerTotp)));
  useEffect(look, []);
  const instead = onInstead !== null && (
    <button type="button" class="link" onClick={onInstead}>
      {words.totp.instead}
    </button>
  );
  return (
    <Gate title={words.totp.title} lead={words.totp.lead} foot={instead}>
      {looking.busy && <Spinner />}
      <Trouble problem={looking.problem} />
      {offer === null && !looking.busy && (
        <div class="actions">
          <button type="button" class="button" onClick={onBack}>
            {words.back}
          </button>
          <button type="button" class="button primary" onClick={look}>
            {words.retry}
          </button>
        </div>
      )}
      {offer !== null && <TotpForm offer={offer} onEnrolled={onEnrolled} onBack={onBack} />}
    </Gate>
  );
}

interface FormProps {
  offer: TotpOffer;
  onEnrolled: (session: Session) => void;
  onBack: () => void;
}

function TotpForm({ offer, onEnrolled, onBack }: FormProps) {
  const shell = useShell();
  const [code, setCode] = useState("");
  const action = useAction();
  const spaced = useMemo(() => offer.secret.replace(/(.{4})(?=.)/g, "$1 "), [offer.secret]);

  const submit = (event: Event) => {
    event.preventDefault();
    void action.run(async () => {
      await shell.confirmed(() => addTotp(code.replace(/\s+/g, "")));
      onEnrolled(await getSession());
    });
  };

  const wrong = WRONG.includes(codeOf(action.problem) ?? "");
  return (
    <form onSubmit={submit}>
      <QrPicture text={offer.url} label={words.totp.picture} />
      <p>{words.totp.noCamera}</p>
      <p class="secret-row">
        <code class="secret" data-testid="totp-secret" data-secret={offer.secret}>
          {spaced}
        </code>
        <CopyButton text={offer.secret} />
      </p>
      <Field
        label={words.totp.code}
        value={code}
        onChange={setCode}
        testid="code-input"
        autocomplete="one-time-code"
        inputMode="numeric"
        required
      />
      <Trouble problem={wrong ? words.totp.wrong : action.problem} />
      <div class="actions">
        <button type="button" class="button" onClick={onBack}>
          {words.back}
        </button>
        <Submit busy={action.busy} testid="code-submit">
          {words.totp.submit}
        </Submit>
      </div>
    </form>
  );
}
