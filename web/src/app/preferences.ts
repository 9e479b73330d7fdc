// What a person chose for this browser beside its appearance.

import { signal } from "@preact/signals";

const TYPING = "typing";
const NOTIFICATIONS = "notifications";
const OFF = "off";
const ON = "on";

/** Others see that this person is typing, and the other way round. */
export const sharesTyping = signal(true);

/** This browser tells of new messages while its person looks elsewhere. */
export const notifies = signal(false);

export function startPreferences(): void {
  const read = () => {
    sharesTyping.value = localStorage.getItem(TYPING) !== OFF;
    notifies.value = localStorage.getItem(NOTIFICATIONS) === ON;
  };
  read();
  window.addEventListener("storage", read);
}

export function notify(wanted: boolean): void {
  if (wanted) localStorage.setItem(NOTIFICATIONS, ON);
  else localStorage.removeItem(NOTIFICATIONS);
  notifies.value = wanted;
}

export function shareTyping(shares: boolean): void {
  if (shares) localStorage.removeItem(TYPING);
  else localStorage.setItem(TYPING, OFF);
  sharesTyping.value = shares;
}
