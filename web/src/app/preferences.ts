// What a person chose for this browser beside its appearance.

import { signal } from "@preact/signals";

const TYPING = "typing";
const OFF = "off";

/** Others see that this person is typing, and the other way round. */
export const sharesTyping = signal(true);

export function startPreferences(): void {
  const read = () => {
    sharesTyping.value = localStorage.getItem(TYPING) !== OFF;
  };
  read();
  window.addEventListener("storage", (event) => event.key === TYPING && read());
}

export function shareTyping(shares: boolean): void {
  if (shares) localStorage.removeItem(TYPING);
  else localStorage.setItem(TYPING, OFF);
  sharesTyping.value = shares;
}
