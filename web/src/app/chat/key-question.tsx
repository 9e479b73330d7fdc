// Shown by the shell when somebody's identity key is not the one this device knows.

import { useEffect } from "preact/hooks";

import { Confirm } from "../parts/dialog.tsx";
import { useShell } from "../shell.ts";
import { words } from "../words.ts";
import { nameOf, wantNames } from "./names.ts";

export function KeyQuestion() {
  const question = useShell().keyQuestion.value;
  const personId = question?.personId ?? null;
  useEffect(() => void (personId !== null && wantNames([personId])), [personId]);
  if (question === null) return null;
  return (
    <Confirm
      title={words.changedKey.title(nameOf(question.personId))}
      lead={words.changedKey.lead}
      confirm={words.changedKey.trust}
      onConfirm={() => question.trust()}
      onClose={() => question.cancel()}
    />
  );
}
