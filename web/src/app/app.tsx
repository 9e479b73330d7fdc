// The root: one page at a time, and what every page may say.

import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";

import { KeyQuestion } from "./chat/key-question.tsx";
import { ChatPage } from "./chat/chat.tsx";
import { FaceAlerts } from "./face/alerts.tsx";
import type { Page } from "./pages.ts";
import { BeginAnewPage } from "./pages/begin-anew.tsx";
import { CodePage } from "./pages/code.tsx";
import { CreateDevicePage, OtherDevicePage } from "./pages/device.tsx";
import { EnrolmentPage } from "./pages/enrolment.tsx";
import { FacePage } from "./pages/face.tsx";
import { InvitationPage } from "./pages/invitation.tsx";
import { LoginPage } from "./pages/login.tsx";
import { KeepCodesPage } from "./pages/recovery.tsx";
import { Spinner, Trouble } from "./parts/basics.tsx";
import { Gate } from "./parts/gate.tsx";
import { PasswordQuestion } from "./settings/password.tsx";
import { useShell } from "./shell.ts";
import { words } from "./words.ts";

const PAGES: Readonly<Record<Page, ComponentType>> = {
  loading: LoadingPage,
  invitation: InvitationPage,
  login: LoginPage,
  face: FacePage,
  code: CodePage,
  enrolment: EnrolmentPage,
  keep_codes: KeepCodesPage,
  create_device: CreateDevicePage,
  begin_anew: BeginAnewPage,
  other_device: OtherDevicePage,
  chat: ChatPage,
};

export function App() {
  const shell = useShell();
  const name = shell.page.value;
  const Shown = PAGES[name];
  useEffect(() => {
    if (name !== "chat") document.title = words.product;
  }, [name]);
  return (
    <>
      <a class="skip" href="#content" onClick={skip}>
        {words.skipToContent}
      </a>
      <FaceAlerts />
      <Shown key={name} />
      <PasswordQuestion />
      <KeyQuestion />
      <Voices />
    </>
  );
}

/** The address after the `#` belongs to the pages, so the link moves the focus itself. */
function skip(event: Event): void {
  event.preventDefault();
  const content = document.getElementById("content");
  if (content === null) return;
  content.tabIndex = -1;
  content.focus();
}

function LoadingPage() {
  const shell = useShell();
  const trouble = shell.trouble.value;
  if (trouble === null) {
    return (
      <main id="content" class="loading" aria-label={words.loading}>
        <Spinner />
      </main>
    );
  }
  return (
    <Gate title={words.failure.server} lead={words.failure.serverLead}>
      <Trouble problem={trouble} />
      <button type="button" class="button" onClick={() => void shell.refresh()}>
        {words.retry}
      </button>
    </Gate>
  );
}

const TOAST_MS = 6_000;
const ANNOUNCED_MS = 10_000;

function Voices() {
  const shell = useShell();
  const text = shell.toast.value;
  useEffect(() => {
    if (text === "") return;
    const timer = setTimeout(() => shell.say(""), TOAST_MS);
    return () => clearTimeout(timer);
  }, [text]);
  const spoken = shell.announcement.value;
  useEffect(() => {
    if (spoken === "") return; // what disappears from the screen must not stay here
    const timer = setTimeout(() => shell.announce(""), ANNOUNCED_MS);
    return () => clearTimeout(timer);
  }, [spoken]);
  return (
    <>
      <div role="status" class={text === "" ? "visually-hidden voice" : "toast"} data-testid="toast">
        {text}
      </div>
      <div aria-live="polite" class="visually-hidden voice" data-testid="announcement">
        {spoken}
      </div>
    </>
  );
}
