// Light, dark, or like the system; kept in this browser.

import { signal } from "@preact/signals";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const KEY = "theme";

function stored(): Theme {
  const value = localStorage.getItem(KEY);
  return THEMES.find((theme) => theme === value) ?? "system";
}

export const theme = signal<Theme>("system");

export function startTheme(): void {
  show(stored());
  window.addEventListener("storage", (event) => event.key === KEY && show(stored()));
}

export function chooseTheme(wanted: Theme): void {
  localStorage.setItem(KEY, wanted);
  show(wanted);
}

function show(wanted: Theme): void {
  theme.value = wanted;
  document.documentElement.dataset["theme"] = wanted;
}
