// Recovery codes, shown once: to copy, to download, to keep.

import { useEffect, useState } from "preact/hooks";

import { newRecoveryCodes, recoveryCodes } from "../../api/session.ts";
import { useAction } from "../parts/action.ts";
import { CopyButton, Spinner, Trouble } from "../parts/basics.tsx";
import { Check } from "../parts/field.tsx";
import { Gate } from "../parts/gate.tsx";
import { Icon } from "../parts/icon.tsx";
import { useShell } from "../shell.ts";
import { words } from "../words.ts";

async function codesToKeep(): Promise<string[]> {
  const made = await recoveryCodes();
  return made === null || made.length === 0 ? newRecoveryCodes() : made;
}

export function KeepCodesPage() {
  const shell = useShell();
  const [codes, setCodes] = useState<string[] | null>(null);
  const [kept, setKept] = useState(false);
  const action = useAction();
  const look = () =>
    void action.run(async () => {
      setCodes(await shell.confirmed(codesToKeep));
      await shell.refresh(); // a face that waited for them counts now
    });
  useEffect(look, []);
  return (
    <Gate title={words.recovery.title} lead={words.recovery.lead}>
      {action.busy && <Spinner />}
      <Trouble problem={action.problem === null ? null : words.recovery.none} />
      {codes === null && !action.busy && <WithoutCodes onRetry={look} />}
      {codes !== null && (
        <>
          <Codes codes={codes} />
          <Check
            label={words.recovery.kept}
            checked={kept}
            onChange={setKept}
            testid="recovery-kept"
          />
          <button
            type="button"
            class="button primary"
            disabled={!kept}
            data-testid="recovery-continue"
            onClick={() => shell.finish()}
          >
            {words.recovery.continue}
          </button>
        </>
      )}
    </Gate>
  );
}

function WithoutCodes({ onRetry }: { onRetry: () => void }) {
  const shell = useShell();
  return (
    <div class="actions">
      <button type="button" class="button" onClick={onRetry}>
        {words.retry}
      </button>
      <button
        type="button"
        class="button primary"
        onClick={() => {
          shell.unfinished.value = { step: "enrolling", way: "totp" };
        }}
      >
        {words.recovery.addTotp}
      </button>
    </div>
  );
}

export function Codes({ codes }: { codes: readonly string[] }) {
  const organisation = useShell().session.value?.organisation ?? words.product;
  return (
    <>
      <ul class="codes" aria-label={words.recovery.list} data-testid="recovery-codes">
        {codes.map((code) => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ul>
      <div class="actions start">
        <CopyButton text={codes.join("\n")} />
        <button
          type="button"
          class="button"
          onClick={() => save(`${words.recovery.file(organisation)}.txt`, codes)}
        >
          <Icon name="download" />
          <span>{words.download}</span>
        </button>
      </div>
    </>
  );
}

function save(name: string, lines: readonly string[]): void {
  const address = URL.createObjectURL(new Blob([`${lines.join("\n")}\n`], { type: "text/plain" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
