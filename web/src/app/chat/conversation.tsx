// The open conversation: who is in it, what was written, where to write.

import { useEffect, useRef, useState } from "preact/hooks";

import type { ConversationSummary, MessageView } from "../../worker/protocol.ts";
import { Avatar } from "../parts/basics.tsx";
import { Confirm } from "../parts/dialog.tsx";
import { Icon } from "../parts/icon.tsx";
import { useShell } from "../shell.ts";
import { words } from "../words.ts";
import { AddPeople } from "./add-people.tsx";
import { Composer } from "./composer.tsx";
import { useGone } from "./gone.ts";
import { Members } from "./members.tsx";
import { Messages } from "./messages.tsx";
import { nameOf, wantNames } from "./names.ts";
import { useReading } from "./reading.ts";
import { TypingLine } from "./typing.tsx";

export function Conversation({ conversation }: { conversation: ConversationSummary }) {
  const shell = useShell();
  const { id } = conversation;
  const { thread, arrived, firstUnread, target, onStuck } = useReading(conversation);
  const [edited, setEdited] = useState(0);
  const [answered, setAnswered] = useState<MessageView | null>(null);
  useGone((ids) => setAnswered((now) => (now !== null && ids.has(now.id) ? null : now)));

  const edit = (text: string) => {
    shell.addToDraft(id, text);
    setEdited((count) => count + 1); // the composer starts over with the new draft
  };
  const send = async (text: string) => {
    const replyTo = answered?.id ?? null;
    setAnswered(null);
    await shell.withKnownKeys(() => shell.engine.call("sendText", { conversationId: id, text, replyTo }));
  };

  return (
    <section class="conversation" aria-labelledby="conversation-title">
      <Head conversation={conversation} />
      {conversation.notice !== null && <Notice conversation={conversation} text={conversation.notice} />}
      <Messages
        thread={thread}
        arrived={arrived}
        firstUnread={firstUnread}
        target={target}
        onStuck={onStuck}
        onEdit={edit}
        onReply={reasonNotToWrite(conversation) === null ? setAnswered : null}
      />
      <TypingLine conversationId={id} />
      <Composer
        key={edited}
        conversation={conversation}
        disabledBecause={reasonNotToWrite(conversation)}
        answered={answered}
        onNoAnswer={() => setAnswered(null)}
        onSend={send}
      />
    </section>
  );
}

/** What happened here; of a conversation that goes on the person can put it away. */
function Notice({ conversation, text }: { conversation: ConversationSummary; text: string }) {
  const shell = useShell();
  const { id: conversationId, state } = conversation;
  return (
    <p class={state === "left" ? "note" : "alert"} role="status" data-testid="conversation-notice">
      <Icon name={state === "left" ? "info" : "alert"} />
      <span>{text}</span>
      {state === "open" && (
        <button
          type="button"
          class="icon-button"
          aria-label={words.chat.dismissNotice}
          data-testid="notice-dismiss"
          onClick={() => shell.inBackground(shell.engine.call("dismissNotice", { conversationId }))}
        >
          <Icon name="close" />
        </button>
      )}
      {state === "broken" && <Rejoin conversation={conversation} />}
    </p>
  );
}

function Rejoin({ conversation }: { conversation: ConversationSummary }) {
  const shell = useShell();
  const [asked, setAsked] = useState(false);
  const { id: conversationId } = conversation;
  return (
    <>
      <button type="button" class="button" data-testid="rejoin" onClick={() => setAsked(true)}>
        {words.chat.rejoin}
      </button>
      {asked && (
        <Confirm
          title={words.chat.rejoinTitle}
          lead={words.chat.rejoinLead}
          confirm={words.chat.rejoin}
          danger={false}
          onConfirm={async () =>
            void (await shell.withKnownKeys(() => shell.engine.call("rejoin", { conversationId })))
          }
          onClose={() => setAsked(false)}
        />
      )}
    </>
  );
}

function reasonNotToWrite(conversation: ConversationSummary): string | null {
  if (conversation.state === "joining") return words.composer.joining;
  if (conversation.state === "broken") return words.composer.broken;
  if (conversation.state === "leaving") return words.composer.leaving;
  if (conversation.state === "left") return words.composer.left;
  return null;
}

const NAMES_SHOWN = 4;

type Shown = "people" | "adding" | null;

function Head({ conversation }: { conversation: ConversationSummary }) {
  const shell = useShell();
  const [shown, setShown] = useState<Shown>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const me = shell.session.value?.person?.id;
  const others = conversation.personIds.filter((id) => id !== me);
  const isGroup = conversation.kind === "group";
  useEffect(() => void wantNames(others), [conversation.personIds.join()]);
  useEffect(() => {
    if (!matchMedia("(hover: hover)").matches) heading.current?.focus();
  }, []);
  const close = () => setShown(null);

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
        {isGroup && <People others={others} withMe={conversation.state !== "left"} />}
      </div>
      <Buttons conversation={conversation} onShow={setShown} />
      {shown === "adding" && <AddPeople conversation={conversation} onClose={close} />}
      {shown === "people" && <Members conversation={conversation} onClose={close} />}
    </header>
  );
}

function People({ others, withMe }: { others: readonly string[]; withMe: boolean }) {
  const names = [...(withMe ? [words.chat.you] : []), ...others.slice(0, NAMES_SHOWN).map(nameOf)];
  return (
    <p data-testid="conversation-people">
      {names.join(", ")}
      {others.length > NAMES_SHOWN && ` ${words.chat.more(others.length - NAMES_SHOWN)}`}
    </p>
  );
}

function Buttons({ conversation, onShow }: { conversation: ConversationSummary; onShow: (shown: Shown) => void }) {
  const isGroup = conversation.kind === "group";
  const title = isGroup ? words.members.title : words.members.details;
  return (
    <>
      <button
        type="button"
        class="icon-button"
        aria-label={title}
        title={title}
        data-testid="members"
        onClick={() => onShow("people")}
      >
        <Icon name={isGroup ? "group" : "info"} />
      </button>
      {isGroup && (
        <button
          type="button"
          class="icon-button"
          aria-label={words.chat.addPeople}
          title={words.chat.addPeople}
          disabled={conversation.state !== "open"}
          data-testid="add-people"
          onClick={() => onShow("adding")}
        >
          <Icon name="addPerson" />
        </button>
      )}
    </>
  );
}
