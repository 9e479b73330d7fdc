// The settings of the person who is logged in.

import { useState } from "preact/hooks";

import { Trouble, useFocus } from "../parts/basics.tsx";
import { Check } from "../parts/field.tsx";
import { Icon } from "../parts/icon.tsx";
import { canNotify } from "../notifications.ts";
import { notifies, notify, sharesTyping } from "../preferences.ts";
import { useShell } from "../shell.ts";
import { chooseTheme, theme, THEMES } from "../theme.ts";
import { words } from "../words.ts";
import { Devices } from "./devices.tsx";
import { Factors } from "./factors.tsx";
import { ChangePassword } from "./password.tsx";
import { Tokens } from "./tokens.tsx";

export function Settings() {
  const session = useShell().session.value;
  const [changes, setChanges] = useState(false);
  const heading = useFocus<HTMLHeadingElement>();
  if (session?.person == null) return null;
  const { person, device } = session;
  return (
    <section class="settings" data-testid="settings">
      <header class="pane-head">
        <a class="icon-button back" href="#/" aria-label={words.back}>
          <Icon name="back" />
        </a>
        <div class="pane-title">
          <h2 ref={heading} tabIndex={-1}>
            {words.settings.title}
          </h2>
        </div>
      </header>
      <div class="settings-inside">
        <section aria-labelledby="settings-profile">
          <h3 id="settings-profile">{words.settings.profile}</h3>
          <dl class="facts">
            <dt>{words.invitation.displayName}</dt>
            <dd>{person.display_name}</dd>
            <dt>{words.settings.username}</dt>
            <dd>{person.username}</dd>
            <dt>{words.settings.device}</dt>
            <dd>{device?.name}</dd>
          </dl>
          <button type="button" class="button" onClick={() => setChanges(true)}>
            <Icon name="key" />
            <span>{words.settings.changePassword}</span>
          </button>
          {changes && <ChangePassword onClose={() => setChanges(false)} />}
        </section>
        <ThemeChoice />
        {canNotify() && <Notifications />}
        <Privacy />
        <Factors />
        {device !== null && <Devices ownId={device.id} />}
        {device !== null && <Tokens deviceId={device.id} />}
      </div>
    </section>
  );
}

function Notifications() {
  const [refused, setRefused] = useState(false);
  const choose = async (wanted: boolean) => {
    const isAllowed = !wanted || (await Notification.requestPermission()) === "granted";
    setRefused(!isAllowed);
    notify(wanted && isAllowed);
  };
  return (
    <section aria-labelledby="settings-notifications">
      <h3 id="settings-notifications">{words.settings.notifications}</h3>
      <Check
        label={words.settings.notify}
        checked={notifies.value}
        testid="notify"
        onChange={(wanted) => void choose(wanted)}
      />
      <p class="hint">{words.settings.notifyHint}</p>
      <Trouble problem={refused ? words.settings.notifyRefused : null} />
    </section>
  );
}

function Privacy() {
  const shell = useShell();
  return (
    <section aria-labelledby="settings-privacy">
      <h3 id="settings-privacy">{words.settings.privacy}</h3>
      <Check
        label={words.settings.typing}
        checked={sharesTyping.value}
        testid="share-typing"
        onChange={(shares) => shell.shareTyping(shares)}
      />
      <p class="hint">{words.settings.typingHint}</p>
    </section>
  );
}

function ThemeChoice() {
  return (
    <fieldset class="theme-choice">
      <legend>{words.settings.theme}</legend>
      <div class="segments">
        {THEMES.map((one) => (
          <label key={one} class="segment">
            <input
              type="radio"
              name="theme"
              checked={theme.value === one}
              data-testid={`theme-${one}`}
              onChange={() => chooseTheme(one)}
            />
            <span>{words.settings.themes[one]}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
