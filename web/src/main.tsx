// The start of the page: theme, engine, first look at the session, and then Preact draws.

import { render } from "preact";

import { App } from "./app/app.tsx";
import { startPreferences } from "./app/preferences.ts";
import { Shell, ShellProvider } from "./app/shell.ts";
import { startTheme } from "./app/theme.ts";
import { connectEngine } from "./worker/engine-client.ts";

function workerAddress(): string {
  const meta = document.querySelector<HTMLMetaElement>('meta[name="securechat-worker"]');
  if (meta === null) throw new Error("The page does not name the engine's file.");
  return meta.content;
}

const root = document.getElementById("app");
if (root === null) throw new Error("The page has no place for the application.");

startTheme();
startPreferences();
const shell = new Shell(connectEngine(workerAddress()));
shell.start();
render(
  <ShellProvider value={shell}>
    <App />
  </ShellProvider>,
  root,
);
