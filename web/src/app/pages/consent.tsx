// Explicit, versioned consent: the server's own text, before any camera is opened.

import { useState } from "preact/hooks";

import { faceFacts, type FaceFacts } from "../../api/face.ts";
import { confirmPassword } from "../../api/session.ts";
import type { AnotherWay } from "../face/capture.tsx";
import { useAction } from "../parts/action.ts";
import { Asking, useAsked } from "../parts/asked.tsx";
import { Submit, Trouble } from "../parts/basics.tsx";
import { Check, PasswordField } from "../parts/field.tsx";
import { Gate } from "../parts/gate.tsx";
import { useShell } from "../shell.ts";
import { words } from "../words.ts";

type Version = FaceFacts["consent"]["version"];

interface ConsentProps {
  onAgree: (version: Version, password: string) => void;
  anotherWay: AnotherWay;
  onBack: () => void;
}

export function ConsentPage({ onAgree, anotherWay, onBack }: ConsentProps) {
  const asked = useAsked(faceFacts, "face");
  const instead = (
    <button type="button" class="link" data-testid="use-other-factor" onClick={anotherWay.choose}>
      {anotherWay.label}
    </button>
  );
  return (
    <Gate title={words.consent.title} foot={instead} wide>
      <Asking asked={asked} />
      {asked.value !== null && (
        <ConsentForm consent={asked.value.consent} onAgree={onAgree} onBack={onBack} />
      )}
    </Gate>
  );
}

interface FormProps {
  consent: FaceFacts["consent"];
  onAgree: (version: Version, password: string) => void;
  onBack: () => void;
}

function ConsentForm({ consent, onAgree, onBack }: FormProps) {
  const shell = useShell();
  const known = shell.passwordAtHand;
  const [agrees, setAgrees] = useState(false);
  const [password, setPassword] = useState(known ?? "");
  const action = useAction();

  const submit = (event: Event) => {
    event.preventDefault();
    void action.run(async () => {
      if (known === null) await confirmPassword(password);
      onAgree(consent.version, password);
    });
  };

  return (
    <form onSubmit={submit}>
      <section class="consent" aria-label={words.consent.fromServer} tabIndex={0}>
        {consent.text.split(/\n{2,}/).map((paragraph, index) => (
          <p key={index}>{paragraph}</p>
        ))}
      </section>
      {known === null && (
        <PasswordField
          label={words.consent.password}
          hint={words.consent.passwordHint}
          value={password}
          onChange={setPassword}
          testid="consent-password"
          autocomplete="current-password"
          required
        />
      )}
      <Check
        label={words.consent.agree}
        checked={agrees}
        onChange={setAgrees}
        testid="consent-agree"
      />
      <Trouble problem={action.problem} />
      <div class="actions">
        <button type="button" class="button" onClick={onBack}>
          {words.back}
        </button>
        <Submit busy={action.busy} disabled={!agrees} testid="consent-submit">
          {words.consent.submit}
        </Submit>
      </div>
    </form>
  );
}
