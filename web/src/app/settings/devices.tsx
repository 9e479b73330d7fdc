// The person's own devices: which they are, and the end of one that was lost.

import { useState } from "preact/hooks";

import { type Device, ownDevices, revokeDevice } from "../../api/devices.ts";
import { Asking, useAsked } from "../parts/asked.tsx";
import { Confirm } from "../parts/dialog.tsx";
import { Icon } from "../parts/icon.tsx";
import { useShell } from "../shell.ts";
import { fullTime } from "../time.ts";
import { words } from "../words.ts";

export function Devices({ ownId }: { ownId: string }) {
  const shell = useShell();
  const asked = useAsked(ownDevices, ownId);
  const [revoking, setRevoking] = useState<Device | null>(null);

  const revoke = async ({ id, name }: Device) => {
    await shell.confirmed(() => revokeDevice(id));
    if (id === ownId) return shell.refresh(); // it was logged out with the device
    shell.say(words.devices.revoked(name));
    asked.again();
  };

  return (
    <section aria-labelledby="settings-devices">
      <h3 id="settings-devices">{words.devices.title}</h3>
      <p class="hint">{words.devices.lead}</p>
      <Asking asked={asked} />
      <ul class="factors">
        {asked.value?.map((device) => (
          <DeviceRow
            key={device.id}
            device={device}
            isThis={device.id === ownId}
            onRevoke={() => setRevoking(device)}
          />
        ))}
      </ul>
      {revoking !== null && (
        <Confirm
          title={words.devices.revokeTitle(revoking.name)}
          lead={revoking.id === ownId ? words.devices.revokeThisLead : words.devices.revokeLead}
          confirm={words.devices.revoke}
          onConfirm={() => revoke(revoking)}
          onClose={() => setRevoking(null)}
        />
      )}
    </section>
  );
}

interface RowProps {
  device: Device;
  isThis: boolean;
  onRevoke: () => void;
}

function DeviceRow({ device, isThis, onRevoke }: RowProps) {
  return (
    <li class="factor" data-testid="device">
      <Icon name="device" />
      <span class="factor-name">
        <strong>
          {device.name}
          {isThis && <span class="badge">{words.devices.thisOne}</span>}
        </strong>
        <span class="muted">{words.devices.since(fullTime(device.created_at))}</span>
      </span>
      <span class="factor-actions">
        <button
          type="button"
          class="button"
          aria-label={words.devices.revokeNamed(device.name)}
          data-testid="device-revoke"
          onClick={onRevoke}
        >
          {words.devices.revoke}
        </button>
      </span>
    </li>
  );
}
