// The open conversation: who is in it, what was written, where to write.

import { useEffect, useRef, useState } from "preact/hooks";

import type { ConversationSummary, MessageView } from "../../worker/protocol.ts";
import { Avatar } from "../parts/basics.tsx";
import { Icon } from "../parts/icon.tsx";
import { useShell } from "../shell.ts";
import { words } from "../words.ts";
import { AddPeople } from "./add-people.tsx";
import { addToDraft, Composer } from "./composer.tsx";
import { Messages } from "./messages.tsx";
import { nameOf, wantNames } from "./names.ts";
import { Thread } from "./thread.ts";

export function Conversation({ conversation }: { conversation: ConversationSummary }) {
  const shell = useShell();
  const { id } = conversation;
  const [arrived, setArrived] = useState(0);
  const [edited, setEdited] = useState(0);
  const atEnd = useRef(true);

  const seen = () => {
    atEnd.current = true;
    setArrived(0);
    if (document.visibilityState === "visible") {
      shell.inBackground(shell.engine.call("markSeen", { conversationId: id }));
    }
  };
  const hear = (messages: readonly MessageView[]) => {
    const others = messages.filter((message) => !message.mine);
    if (others.length === 0) return;
    shell.announce(others.map(spoken).join("\n"));
    if (atEnd.current) seen();
    else setArrived((count) => count + others.length);
  };
  const [thread] = useState(() => new Thread(shell.engine, id, hear));
  useEffect(() => {
    void thread.newest().then(seen);
    const looked = () => void (atEnd.current && seen());
    document.addEventListener("visibilitychange", looked);
    return () => {
      document.removeEventListener("visibilitychange", looked);
      thread.close();
    };
  }, []);

  const edit = (text: string) => {
    addToDraft(id, text);
    setEdited((count) => count + 1); // the composer starts over with the new draft
  };
  const send = async (text: string) =>
    void (await shell.engine.call("sendText", { conversationId: id, text }));

  return (
    <section class="conversation" aria-labelledby="conversation-title">
      <Head conversation={conversation} />
      {conversation.notice !== null && (
        <p class="alert" role="status">
          <Icon name="alert" />
          <span>{conversation.notice}</span>
        </p>
      )}
      <Messages
        thread={thread}
        arrived={arrived}
        onStuck={(stuck) => {
          atEnd.current = stuck;
          if (stuck) seen();
        }}
        onEdit={edit}
      />
      <Composer
        key={edited}
        conversationId={id}
        disabledBecause={reasonNotToWrite(conversation)}
        onSend={send}
      />
    </section>
  );
}

function spoken(message: MessageView): string {
  return message.kind === "notice"
    ? message.text
    : words.chat.arrived(message.senderName, message.text);
}

function reasonNotToWrite(conversation: ConversationSummary): string | null {
  if (conversation.state === "joining") return words.composer.joining;
  if (conversation.state === "broken") return words.composer.broken;
  return null;
}

const NAMES_SHOWN = 4;

function Head({ conversation }: { conversation: ConversationSummary }) {
  const shell = useShell();
  const [adding, setAdding] = useState(false);
  const heading = useRef<HTMLHeadingElement>(null);
  const me = shell.session.value?.person?.id;
  const others = conversation.personIds.filter((id) => id !== me);
  const isGroup = conversation.kind === "group";
  useEffect(() => void wantNames(others), [conversation.personIds.join()]);
  useEffect(() => {
    if (!matchMedia("(hover: hover)").matches) heading.current?.focus();
  }, []);

  return (
    <header class="pane-head">
      <a class="icon-button back" href="#/" aria-label={words.back}>
        <Icon name="back" />
      </a>
      <Avatar id={(isGroup ? null : others[0]) ?? conversation.id} name={conversation.title} group={isGroup} />
      <div class="pane-title">
        <h2 id="conversation-title" ref={heading} tabIndex={-1} data-testid="conversation-title">
          {conversation.title}
        </h2>
        {isGroup && (
          <p data-testid="conversation-people">
            {[words.chat.you, ...others.slice(0, NAMES_SHOWN).map(nameOf)].join(", ")}
            {others.length > NAMES_SHOWN && ` ${words.chat.more(others.length - NAMES_SHOWN)}`}
          </p>
        )}
      </div>
      {isGroup && (
        <button
          type="button"
          class="icon-button"
          aria-label={words.chat.addPeople}
          title={words.chat.addPeople}
          disabled={conversation.state !== "open"}
          data-testid="add-people"
          onClick={() => setAdding(true)}
        >
          <Icon name="addPerson" />
        </button>
      )}
      {adding && <AddPeople conversation={conversation} onClose={() => setAdding(false)} />}
    </header>
  );
}
