// One thing a person asked for that takes a while: busy meanwhile, and a problem when it fails.

import { useRef, useState } from "preact/hooks";

import { Cancelled } from "../shell.ts";

export interface Action {
  busy: boolean;
  problem: unknown;
  run(work: () => Promise<void>): Promise<void>;
  clear(): void;
}

export function useAction(): Action {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const running = useRef(false);

  async function run(work: () => Promise<void>): Promise<void> {
    if (running.current) return; // a second click on the same button
    running.current = true;
    setBusy(true);
    setProblem(null);
    try {
      await work();
    } catch (error) {
      if (!(error instanceof Cancelled)) setProblem(error);
    } finally {
      running.current = false;
      setBusy(false);
    }
  }

  return { busy, problem, run, clear: () => setProblem(null) };
}
