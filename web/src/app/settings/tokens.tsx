// API tokens of this device: made here, shown once, revoked here.

import { useState } from "preact/hooks";

import { makeToken, revokeToken, SCOPES, tokensOf } from "../../api/devices.ts";
import type { NewToken, Scope, Token } from "../../api/devices.ts";
import { useAction } from "../parts/action.ts";
import { Asking, useAsked } from "../parts/asked.tsx";
import { CopyButton, Submit, Trouble } from "../parts/basics.tsx";
import { Confirm, Dialog } from "../parts/dialog.tsx";
import { Check, Field, Select } from "../parts/field.tsx";
import { Icon } from "../parts/icon.tsx";
import { fullTime } from "../time.ts";
import { words } from "../words.ts";

const LIFETIMES = [7, 30, 90, 365];
const USUAL_LIFETIME = 30;

export function Tokens({ deviceId }: { deviceId: string }) {
  const asked = useAsked(() => tokensOf(deviceId), deviceId);
  const { value: tokens, again: look } = asked;
  const [makes, setMakes] = useState(false);
  const [revoking, setRevoking] = useState<Token | null>(null);

  return (
    <section aria-labelledby="settings-tokens">
      <h3 id="settings-tokens">{words.tokens.title}</h3>
      <p class="hint">{words.tokens.lead}</p>
      <Asking asked={asked} />
      {tokens?.length === 0 && <p class="muted">{words.tokens.none}</p>}
      <ul class="factors">
        {tokens?.map((token) => (
          <TokenRow key={token.id} token={token} onRevoke={() => setRevoking(token)} />
        ))}
      </ul>
      <button type="button" class="button" data-testid="token-new" onClick={() => setMakes(true)}>
        <Icon name="plus" />
        <span>{words.tokens.create}</span>
      </button>
      {makes && <MakeToken deviceId={deviceId} onMade={look} onClose={() => setMakes(false)} />}
      {revoking !== null && (
        <Confirm
          title={words.tokens.revokeTitle(revoking.name)}
          lead={words.tokens.revokeLead}
          confirm={words.tokens.revoke}
          onConfirm={async () => {
            await revokeToken(revoking.id);
            look();
          }}
          onClose={() => setRevoking(null)}
        />
      )}
    </section>
  );
}

function TokenRow({ token, onRevoke }: { token: Token; onRevoke: () => void }) {
  return (
    <li class="factor" data-testid="token">
      <Icon name="key" />
      <span class="factor-name">
        <strong>{token.name}</strong>
        <span class="muted">
          {token.scopes.map((scope) => words.tokens.scope[scope]).join(", ")}
          {token.expires_at !== null && ` · ${words.tokens.until(fullTime(token.expires_at))}`}
        </span>
      </span>
      <span class="factor-actions">
        <button type="button" class="button" data-testid="token-revoke" onClick={onRevoke}>
          {words.tokens.revoke}
        </button>
      </span>
    </li>
  );
}

interface MakeProps {
  deviceId: string;
  onMade: () => void;
  onClose: () => void;
}

function MakeToken({ deviceId, onMade, onClose }: MakeProps) {
  const [made, setMade] = useState<NewToken | null>(null);
  return (
    <Dialog title={words.tokens.create} onClose={onClose}>
      {made === null ? (
        <TokenForm
          deviceId={deviceId}
          onMade={(token) => {
            setMade(token);
            onMade();
          }}
        />
      ) : (
        <>
          <p>{words.tokens.once}</p>
          <p class="secret-row">
            <code class="secret" data-testid="token-secret">
              {made.token}
            </code>
            <CopyButton text={made.token} />
          </p>
          <div class="actions">
            <button type="button" class="button primary" onClick={onClose}>
              {words.done}
            </button>
          </div>
        </>
      )}
    </Dialog>
  );
}

interface TokenFormProps {
  deviceId: string;
  onMade: (token: NewToken) => void;
}

interface Wanted {
  name: string;
  scopes: readonly Scope[];
  days: number;
}

function TokenForm({ deviceId, onMade }: TokenFormProps) {
  const [wanted, setWanted] = useState<Wanted>({ name: "", scopes: [], days: USUAL_LIFETIME });
  const [missing, setMissing] = useState<string | null>(null);
  const action = useAction();

  const submit = (event: Event) => {
    event.preventDefault();
    const { name, scopes, days } = wanted;
    setMissing(scopes.length === 0 ? words.tokens.needScope : null);
    if (scopes.length === 0) return;
    void action.run(async () =>
      onMade(await makeToken(deviceId, { name: name.trim(), scopes: [...scopes], expires_in_days: days })),
    );
  };

  return (
    <form onSubmit={submit}>
      <TokenFields wanted={wanted} onChange={(change) => setWanted((now) => ({ ...now, ...change }))} />
      <Trouble problem={missing ?? action.problem} />
      <div class="actions">
        <Submit busy={action.busy} testid="token-create">
          {words.tokens.submit}
        </Submit>
      </div>
    </form>
  );
}

interface TokenFieldsProps {
  wanted: Wanted;
  onChange: (change: Partial<Wanted>) => void;
}

function TokenFields({ wanted: { name, scopes, days }, onChange }: TokenFieldsProps) {
  return (
    <>
      <Field
        label={words.tokens.name}
        value={name}
        onChange={(changed) => onChange({ name: changed })}
        testid="token-name"
        autocomplete="off"
        maxLength={60}
        required
        autoFocus
      />
      <ScopeChecks chosen={scopes} onChange={(changed) => onChange({ scopes: changed })} />
      <Select
        label={words.tokens.days}
        value={String(days)}
        onChange={(value) => onChange({ days: Number(value) })}
        options={LIFETIMES.map((one) => ({ value: String(one), label: words.tokens.day(one) }))}
      />
    </>
  );
}

interface ScopeChecksProps {
  chosen: readonly Scope[];
  onChange: (scopes: readonly Scope[]) => void;
}

function ScopeChecks({ chosen, onChange }: ScopeChecksProps) {
  const toggle = (scope: Scope, wanted: boolean) =>
    onChange(SCOPES.filter((one) => (one === scope ? wanted : chosen.includes(one))));
  return (
    <fieldset class="checks">
      <legend>{words.tokens.scopes}</legend>
      {SCOPES.map((scope) => (
        <Check
          key={scope}
          label={words.tokens.scope[scope]}
          checked={chosen.includes(scope)}
          onChange={(wanted) => toggle(scope, wanted)}
          testid={`token-scope-${scope}`}
        />
      ))}
    </fieldset>
  );
}
