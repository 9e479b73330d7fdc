// The list of conversations, with its head, its menu and its empty state.

import { useState } from "preact/hooks";

import type { Connection, ConversationSummary } from "../../worker/protocol.ts";
import { Avatar } from "../parts/basics.tsx";
import { Icon, Logo } from "../parts/icon.tsx";
import { useShell } from "../shell.ts";
import { fullTime, shortTime } from "../time.ts";
import { words } from "../words.ts";
import { Menu } from "./menu.tsx";
import { NewConversation } from "./new-conversation.tsx";
import { FoundMessages, SearchField, titlesWith } from "./search.tsx";
import { typingText } from "./typing.tsx";

export function ConversationList() {
  const shell = useShell();
  const [isNew, setNew] = useState(false);
  const { conversations, connection } = shell.snapshot.value;
  const [search, setSearch] = useState("");
  const wanted = search.trim();
  const shown = wanted === "" ? conversations : titlesWith(conversations, wanted);
  const route = shell.route.value;
  const open = route.name === "conversation" ? route.id : null;
  return (
    <nav class="list-pane" aria-label={words.chat.conversations}>
      <header class="pane-head">
        <Menu />
        <div class="pane-title brand">
          <Logo />
          <span>{shell.session.value?.organisation ?? words.product}</span>
        </div>
        <button
          type="button"
          class="icon-button accent"
          aria-label={words.chat.new}
          title={words.chat.new}
          data-testid="new-conversation"
          onClick={() => setNew(true)}
        >
          <Icon name="plus" />
        </button>
      </header>
      {conversations.length === 0 ? (
        <NoConversations onNew={() => setNew(true)} />
      ) : (
        <>
          <SearchField value={search} onChange={setSearch} />
          <div class="conversation-list">
            {wanted !== "" && shown.length === 0 && <p class="empty-note">{words.find.noConversation}</p>}
            <ul data-testid="conversation-list" aria-label={words.chat.list}>
              {shown.map((conversation) => (
                <Entry
                  key={conversation.id}
                  conversation={conversation}
                  isOpen={conversation.id === open}
                  me={shell.session.value?.person?.id ?? ""}
                />
              ))}
            </ul>
            <FoundMessages search={wanted} />
          </div>
        </>
      )}
      <ConnectionState connection={connection} />
      {isNew && <NewConversation onClose={() => setNew(false)} />}
    </nav>
  );
}

function NoConversations({ onNew }: { onNew: () => void }) {
  return (
    <div class="empty" data-testid="no-conversations">
      <h2>{words.chat.emptyTitle}</h2>
      <p>{words.chat.empty}</p>
      <button type="button" class="button primary" onClick={onNew}>
        <Icon name="search" />
        <span>{words.search.label}</span>
      </button>
    </div>
  );
}

interface EntryProps {
  conversation: ConversationSummary;
  isOpen: boolean;
  me: string;
}

function Entry({ conversation, isOpen, me }: EntryProps) {
  const { id, kind, title, personIds, lastMessage, unread } = conversation;
  const typing = typingText(useShell().typing.value.get(id) ?? []);
  const other = personIds.find((personId) => personId !== me) ?? id;
  return (
    <li>
      <a
        class={`entry ${unread > 0 ? "unread" : ""}`}
        href={`#/conversation/${id}`}
        aria-current={isOpen ? "page" : undefined}
        data-testid="conversation"
        data-conversation={id}
      >
        <Avatar id={kind === "group" ? id : other} name={title} group={kind === "group"} />
        <span class="entry-title">{title}</span>
        {lastMessage !== null && (
          <time class="entry-time" dateTime={lastMessage.at} title={fullTime(lastMessage.at)}>
            {shortTime(lastMessage.at, new Date())}
          </time>
        )}
        <span class={typing === "" ? "entry-last" : "entry-last typing"}>{typing || (isOpen ? "" : draftOf(conversation)) || lastWords(conversation)}</span>
        {unread > 0 && (
          <span class="entry-unread" data-testid="unread">
            <span aria-hidden="true">{unread > 99 ? "99+" : unread}</span>
            <span class="visually-hidden">{words.chat.unread(unread)}</span>
          </span>
        )}
      </a>
    </li>
  );
}

function draftOf({ state, draft }: ConversationSummary): string {
  return state === "open" && draft.trim() !== "" ? words.chat.draft(draft) : "";
}

function lastWords({ state, notice, lastMessage }: ConversationSummary): string {
  if (state === "joining") return words.chat.joining;
  if (state === "broken" && notice !== null) return notice;
  if (state === "leaving") return words.composer.leaving;
  if (state === "left" && lastMessage === null) return notice ?? words.composer.left;
  if (lastMessage === null) return "";
  return lastMessage.mine ? words.chat.youSaid(lastMessage.text) : lastMessage.text;
}

function ConnectionState({ connection }: { connection: Connection }) {
  return (
    <p class={`connection ${connection}`} role="status" data-testid="connection" data-state={connection}>
      <span class="dot" aria-hidden="true" />
      {words.connection[connection]}
    </p>
  );
}
