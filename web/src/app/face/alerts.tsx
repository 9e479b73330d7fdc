// What happened to the face while its owner was away: said after the login, until it is dismissed.

import { useEffect, useState } from "preact/hooks";

import { dismissAlerts, faceFacts, type FaceAlert } from "../../api/face.ts";
import { useAction } from "../parts/action.ts";
import { Icon } from "../parts/icon.tsx";
import { isLoggedIn } from "../pages.ts";
import { useShell } from "../shell.ts";
import { fullTime } from "../time.ts";
import { words } from "../words.ts";

export function FaceAlerts() {
  const session = useShell().session.value;
  const [alerts, setAlerts] = useState<readonly FaceAlert[]>([]);
  const action = useAction();
  const owner = session !== null && isLoggedIn(session) ? (session.person?.id ?? null) : null;
  useEffect(() => {
    setAlerts([]);
    if (owner !== null) void action.run(async () => setAlerts((await faceFacts()).alerts));
  }, [owner]);

  const dismiss = () =>
    void action.run(async () => {
      await dismissAlerts();
      setAlerts([]);
    });
  if (alerts.length === 0) return null;
  return (
    <div class="face-alerts" role="alert" data-testid="face-alerts">
      <Icon name="alert" />
      <ul>
        {alerts.map((alert) => (
          <li key={alert.kind}>{words.faceAlerts[alert.kind](alert.count, fullTime(alert.latest_at))}</li>
        ))}
      </ul>
      <button type="button" class="button" data-testid="face-alerts-dismiss" onClick={dismiss}>
        {words.faceAlerts.dismiss}
      </button>
    </div>
  );
}
