import { useAction } from "../parts/action.ts";
import { Trouble } from "../parts/basics.tsx";
import { useShell } from "../shell.ts";
import { words } from "../words.ts";

/** The way out of every step of a login. */
export function StartAgain({ label = words.code.startAgain }: { label?: string }) {
  const shell = useShell();
  const action = useAction();
  return (
    <>
      <button
        type="button"
        class="link"
        data-testid="start-again"
        onClick={() => void action.run(() => shell.leave())}
      >
        {label}
      </button>
      <Trouble problem={action.problem} />
    </>
  );
}
