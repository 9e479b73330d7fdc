// One thing about a conversation that can be set, with a button of its own to save it.

import type { ComponentChildren } from "preact";

import { useAction } from "../parts/action.ts";
import { Submit, Trouble } from "../parts/basics.tsx";
import { words } from "../words.ts";

interface OneSettingProps {
  /** The field. */
  children: ComponentChildren;
  hint?: string;
  /** What is in the field can be saved, and differs from what holds. */
  isChanged: boolean;
  save: () => Promise<void>;
  testid: string;
}

export function OneSetting({ children, hint, isChanged, save, testid }: OneSettingProps) {
  const action = useAction();
  return (
    <form
      class="one-setting"
      onSubmit={(event) => {
        event.preventDefault();
        void action.run(save);
      }}
    >
      {children}
      <Submit busy={action.busy} disabled={!isChanged} testid={testid}>
        {words.save}
      </Submit>
      {hint && <p class="hint">{hint}</p>}
      <Trouble problem={action.problem} />
    </form>
  );
}
