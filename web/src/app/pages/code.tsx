// The second factor as a code: from an authenticator app, or one of the recovery codes.

import { useState } from "preact/hooks";

import { enterCode, type Alternative } from "../../api/session.ts";
import { useAction } from "../parts/action.ts";
import { Submit, Trouble } from "../parts/basics.tsx";
import { Field } from "../parts/field.tsx";
import { Gate } from "../parts/gate.tsx";
import { codeOf } from "../problems.ts";
import { useShell } from "../shell.ts";
import { words } from "../words.ts";
import { StartAgain } from "./start-again.tsx";

const WRONG = ["incorrect_code", "invalid", "required"];

function leadFor(alternatives: readonly Alternative[]): string {
  if (!alternatives.includes("totp")) return words.code.leadRecovery;
  return alternatives.includes("recovery_codes") ? words.code.leadEither : words.code.lead;
}

export function CodePage() {
  const shell = useShell();
  const [code, setCode] = useState("");
  const action = useAction();
  const alternatives = shell.session.value?.alternatives ?? [];

  const submit = (event: Event) => {
    event.preventDefault();
    void action.run(async () => shell.enter(await enterCode(code.replace(/\s+/g, ""))));
  };

  if (alternatives.length === 0) {
    return <Gate title={words.code.title} lead={words.code.none} foot={<StartAgain />} />;
  }
  const wrong = WRONG.includes(codeOf(action.problem) ?? "");
  return (
    <Gate
      title={words.code.title}
      lead={leadFor(alternatives)}
      focusTitle={false}
      foot={<StartAgain />}
    >
      <form onSubmit={submit}>
        <Field
          label={words.code.label}
          value={code}
          onChange={setCode}
          testid="code-input"
          autocomplete="one-time-code"
          inputMode={alternatives.includes("recovery_codes") ? "text" : "numeric"}
          required
          autoFocus
        />
        <Trouble problem={wrong ? words.code.wrong : action.problem} />
        <Submit busy={action.busy} testid="code-submit">
          {words.code.submit}
        </Submit>
      </form>
    </Gate>
  );
}
