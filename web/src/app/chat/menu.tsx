// What belongs to the person and not to a conversation.

import { useEffect, useRef, useState } from "preact/hooks";

import { Avatar } from "../parts/basics.tsx";
import { Confirm } from "../parts/dialog.tsx";
import { Icon } from "../parts/icon.tsx";
import { Invite } from "../settings/invite.tsx";
import { useShell } from "../shell.ts";
import { words } from "../words.ts";

type Asked = "invite" | "log_out" | null;

export function Menu() {
  const shell = useShell();
  const [isOpen, setOpen] = useState(false);
  const [asked, setAsked] = useState<Asked>(null);
  const place = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  useClosing(place, isOpen, () => setOpen(false), button);
  const person = shell.session.value?.person ?? null;
  if (person === null) return null;
  const ask = (what: Asked) => {
    setOpen(false);
    setAsked(what);
  };

  return (
    <div class="menu-place" ref={place}>
      <button
        ref={button}
        type="button"
        class="icon-button"
        aria-label={words.menu.open}
        aria-expanded={isOpen}
        aria-controls="menu"
        data-testid="menu"
        onClick={() => setOpen(!isOpen)}
      >
        <Icon name="menu" />
      </button>
      <div id="menu" class="menu" hidden={!isOpen}>
        <p class="menu-me" data-testid="my-name">
          <Avatar id={person.id} name={person.display_name} />
          <span class="person-names">
            <strong>{person.display_name}</strong>
            <span>@{person.username}</span>
          </span>
        </p>
        <a class="menu-item" href="#/settings" data-testid="menu-settings" onClick={() => setOpen(false)}>
          <Icon name="settings" /> {words.menu.settings}
        </a>
        {person.role === "administrator" && <AdministratorItems onInvite={() => ask("invite")} />}
        <button type="button" class="menu-item" data-testid="log-out" onClick={() => ask("log_out")}>
          <Icon name="logOut" /> {words.logOut}
        </button>
      </div>
      {asked === "invite" && <Invite onClose={() => setAsked(null)} />}
      {asked === "log_out" && (
        <Confirm
          title={words.settings.logOutTitle}
          lead={words.settings.logOutLead}
          confirm={words.logOut}
          danger={false}
          onConfirm={() => shell.leave()}
          onClose={() => setAsked(null)}
        />
      )}
    </div>
  );
}

function AdministratorItems({ onInvite }: { onInvite: () => void }) {
  return (
    <>
      <button type="button" class="menu-item" data-testid="menu-invite" onClick={onInvite}>
        <Icon name="addPerson" /> {words.menu.invite}
      </button>
      <a class="menu-item" href="/admin/">
        <Icon name="shield" /> {words.menu.administration}
      </a>
    </>
  );
}

/** Closes on Escape and on a click elsewhere. */
function useClosing(
  place: { current: HTMLElement | null },
  isOpen: boolean,
  close: () => void,
  button: { current: HTMLElement | null },
): void {
  useEffect(() => {
    if (!isOpen) return;
    const onPointer = (event: Event) => {
      if (!place.current?.contains(event.target as Node)) close();
    };
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      close();
      button.current?.focus();
    };
    document.addEventListener("pointerdown", onPointer);
    document.addEventListener("keydown", onKey);
    return () => {
      document.removeEventListener("pointerdown", onPointer);
      document.removeEventListener("keydown", onKey);
    };
  }, [isOpen]);
}
