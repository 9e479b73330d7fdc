// All devices of the account were revoked: new keys, once it is clear what that means.

import { useState } from "preact/hooks";

import { Note } from "../parts/basics.tsx";
import { Check } from "../parts/field.tsx";
import { Gate } from "../parts/gate.tsx";
import { words } from "../words.ts";
import { NewDeviceForm } from "./device.tsx";
import { StartAgain } from "./start-again.tsx";

export function BeginAnewPage() {
  const [understands, setUnderstands] = useState(false);
  return (
    <Gate
      title={words.beginAnew.title}
      lead={words.beginAnew.lead}
      foot={<StartAgain label={words.logOut} />}
    >
      <div class="stack" data-testid="begin-anew">
        <Note icon="device">{words.beginAnew.lost}</Note>
        <p>{words.beginAnew.contacts}</p>
        <Check
          label={words.beginAnew.understand}
          checked={understands}
          onChange={setUnderstands}
          testid="begin-anew-understand"
        />
      </div>
      {understands && <NewDeviceForm beginsAnew submit={words.beginAnew.submit} />}
    </Gate>
  );
}
