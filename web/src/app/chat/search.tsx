// Finding conversations by their titles, and messages by their words.

import { useEffect, useState } from "preact/hooks";

import type { ConversationSummary, Found, FoundMessage } from "../../worker/protocol.ts";
import { Spinner, Trouble } from "../parts/basics.tsx";
import { useShell } from "../shell.ts";
import { fullTime, shortTime } from "../time.ts";
import { words } from "../words.ts";
import { useGone } from "./gone.ts";

const TYPING_PAUSE_MS = 250;
const FEWEST_LETTERS = 2;

export function SearchField({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  return (
    <div class="search" role="search">
      <input
        type="search"
        value={value}
        placeholder={words.find.placeholder}
        aria-label={words.find.label}
        autocomplete="off"
        data-testid="search"
        onInput={(event) => onChange(event.currentTarget.value)}
        onKeyDown={(event) => event.key === "Escape" && onChange("")}
      />
    </div>
  );
}

/** Titles with all the words of the search. */
export function titlesWith(conversations: readonly ConversationSummary[], search: string): ConversationSummary[] {
  const wanted = search.toLowerCase().split(/\s+/);
  return conversations.filter(({ title }) => wanted.every((word) => title.toLowerCase().includes(word)));
}

export function FoundMessages({ search }: { search: string }) {
  const { found, problem } = useFound(search);
  const { conversations } = useShell().snapshot.value;
  const titles = new Map(conversations.map(({ id, title }) => [id, title]));
  if (search.length < FEWEST_LETTERS) return null;
  return (
    <section class="found" aria-labelledby="found-messages">
      <h2 id="found-messages">{words.find.messages}</h2>
      <p class={found === null || found.isWhole ? "visually-hidden" : "hint"} role="status" data-testid="found">
        {found === null ? words.find.looking : words.find.found(found.messages.length, found.isWhole)}
      </p>
      <Trouble problem={problem} />
      {found === null && problem === null && <Spinner />}
      {found?.messages.length === 0 && <p class="empty-note">{words.find.none}</p>}
      <ul>
        {found?.messages.map((message) => (
          <li key={message.id}>
            <Hit message={message} title={titles.get(message.conversationId) ?? ""} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Hit({ message, title }: { message: FoundMessage; title: string }) {
  const shell = useShell();
  const { conversationId, id: messageId, at } = message;
  const said = message.mine ? words.chat.youSaid(message.text) : words.chat.arrived(message.senderName, message.text);
  return (
    <button
      type="button"
      class="entry hit"
      data-testid="found-message"
      onClick={() => {
        shell.wanted.value = { conversationId, messageId };
        shell.go({ name: "conversation", id: conversationId });
      }}
    >
      <span class="entry-title">{title}</span>
      <time class="entry-time" dateTime={at} title={fullTime(at)}>
        {shortTime(at, new Date())}
      </time>
      <span class="hit-text">{said}</span>
    </button>
  );
}

/** The newest search wins, whatever order the answers come in. */
function useFound(search: string): { found: Found | null; problem: unknown } {
  const { engine } = useShell();
  const [found, setFound] = useState<Found | null>(null);
  const [problem, setProblem] = useState<unknown>(null);
  useEffect(() => {
    let isNewest = true;
    setFound(null);
    setProblem(null);
    const look = async () => {
      try {
        const answer = await engine.call("search", { query: search });
        if (isNewest) setFound(answer);
      } catch (error) {
        if (isNewest) setProblem(error);
      }
    };
    const timer = setTimeout(() => void (search.length >= FEWEST_LETTERS && look()), TYPING_PAUSE_MS);
    return () => {
      isNewest = false;
      clearTimeout(timer);
    };
  }, [search]);
  useGone((ids) => setFound((now) => now && { ...now, messages: now.messages.filter(({ id }) => !ids.has(id)) }));
  return { found, problem };
}
