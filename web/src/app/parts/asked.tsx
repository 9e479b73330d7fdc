// What a page has to ask the server for before it can be drawn.

import { useEffect, useState } from "preact/hooks";

import { words } from "../words.ts";
import { type Action, useAction } from "./action.ts";
import { Spinner, Trouble } from "./basics.tsx";

export interface Asked<T> {
  value: T | null;
  action: Action;
  again(): void;
}

/** Asks at once, and anew whenever `about` is another. */
export function useAsked<T>(ask: () => Promise<T>, about: string): Asked<T> {
  const [value, setValue] = useState<T | null>(null);
  const action = useAction();
  const again = () => void action.run(async () => setValue(await ask()));
  useEffect(again, [about]);
  return { value, action, again };
}

/** Nothing, once the answer is there: until then a sign of life, or what went wrong and a way on. */
export function Asking({ asked }: { asked: Asked<unknown> }) {
  const { value, action, again } = asked;
  return (
    <>
      {value === null && action.busy && <Spinner />}
      <Trouble problem={action.problem} />
      {action.problem !== null && (
        <button type="button" class="button" onClick={again}>
          {words.retry}
        </button>
      )}
    </>
  );
}
