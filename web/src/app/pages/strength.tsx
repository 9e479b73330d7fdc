// How good a new password looks, and which rules it keeps.

import { passwordHint, type PasswordHint } from "../password.ts";
import { Icon } from "../parts/icon.tsx";
import { words } from "../words.ts";

const RULES = ["length", "own", "common"] as const;

export function StrengthHint({ password, own }: { password: string; own: readonly string[] }) {
  const hint = passwordHint(password, own);
  return (
    <div class="strength">
      <Meter hint={hint} empty={password === ""} />
      <ul class="rules">
        {RULES.map((rule) => (
          <li key={rule} class={password !== "" && hint.rules[rule] ? "kept" : ""}>
            <Icon name={password !== "" && hint.rules[rule] ? "check" : "info"} />
            {words.invitation.rules[rule]}
          </li>
        ))}
      </ul>
      <p class="hint">{words.strength.hint}</p>
    </div>
  );
}

function Meter({ hint, empty }: { hint: PasswordHint; empty: boolean }) {
  const level = words.strength.levels[hint.strength];
  return (
    <div class={`meter level-${empty ? "none" : hint.strength}`}>
      <span class="meter-bar" aria-hidden="true">
        <i />
        <i />
        <i />
        <i />
      </span>
      <span aria-live="polite">{empty ? "" : `${words.strength.label}: ${level}`}</span>
    </div>
  );
}
