// The chat: the list beside the open conversation, or one of the two on a narrow screen.

import { useEffect } from "preact/hooks";

import { Gate } from "../parts/gate.tsx";
import { Spinner, Trouble } from "../parts/basics.tsx";
import { Icon } from "../parts/icon.tsx";
import { useAction } from "../parts/action.ts";
import { LogOutButton } from "../pages/device.tsx";
import { Settings } from "../settings/settings.tsx";
import { useShell } from "../shell.ts";
import { words } from "../words.ts";
import { Conversation } from "./conversation.tsx";
import { ConversationList } from "./list.tsx";

export function ChatPage() {
  const shell = useShell();
  const { phase, failure } = shell.snapshot.value;
  const personId = shell.session.value?.person?.id ?? null;
  const action = useAction();
  const open = () =>
    void action.run(async () => {
      if (personId !== null) await shell.engine.call("open", { personId });
    });
  useEffect(() => {
    if (shell.snapshot.value.phase === "closed") open();
  }, [personId]);

  const problem = failure ?? action.problem;
  if (phase === "failed" || (problem !== null && phase !== "ready")) {
    return <CannotOpen problem={problem} onRetry={open} />;
  }
  if (phase !== "ready") {
    return (
      <Gate title={words.device.proving}>
        <Spinner />
      </Gate>
    );
  }
  return <Panes />;
}

function CannotOpen({ problem, onRetry }: { problem: unknown; onRetry: () => void }) {
  return (
    <Gate title={words.failure.engine}>
      <Trouble problem={problem} />
      <div class="actions">
        <button type="button" class="button" onClick={onRetry}>
          {words.retry}
        </button>
        <LogOutButton />
      </div>
    </Gate>
  );
}

function Panes() {
  const shell = useShell();
  const { conversations } = shell.snapshot.value;
  const organisation = shell.session.value?.organisation ?? words.product;
  const route = shell.route.value;
  const unread = conversations.filter((conversation) => conversation.unread > 0).length;
  useEffect(() => {
    document.title = unread > 0 ? `(${unread}) ${words.product}` : words.product;
  }, [unread]);
  const shows = route.name === "conversation" || route.name === "settings" ? "detail" : "list";
  return (
    <main class={`panes shows-${shows}`}>
      <h1 class="visually-hidden">{words.chat.heading(organisation)}</h1>
      <ConversationList />
      <div id="content" class="detail-pane">
        <Detail />
      </div>
    </main>
  );
}

function Detail() {
  const shell = useShell();
  const route = shell.route.value;
  if (route.name === "settings") return <Settings />;
  if (route.name !== "conversation") return <NothingOpen />;
  const conversation = shell.snapshot.value.conversations.find(({ id }) => id === route.id);
  if (conversation === undefined) return <NotHere />;
  return <Conversation key={conversation.id} conversation={conversation} />;
}

function NothingOpen() {
  return (
    <div class="empty">
      <Icon name="shield" />
      <h2>{words.chat.chooseTitle}</h2>
      <p>{words.chat.choose}</p>
    </div>
  );
}

function NotHere() {
  return (
    <div class="empty">
      <h2>{words.chat.notFound}</h2>
      <a class="button" href="#/">
        {words.back}
      </a>
    </div>
  );
}
