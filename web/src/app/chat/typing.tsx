// Who is typing: a line under the messages, and a word in the list of conversations.

import { useEffect, useRef } from "preact/hooks";

import { useShell } from "../shell.ts";
import { words } from "../words.ts";

/** Screen readers hear of it this often at most: it is said again and again while somebody writes. */
const SPOKEN_EVERY = 60_000;
const MOST_NAMED = 2;

export function typingText(names: readonly string[]): string {
  if (names.length === 0) return "";
  return names.length > MOST_NAMED ? words.typing.many : words.typing.some(names);
}

export function TypingLine({ conversationId }: { conversationId: string }) {
  const shell = useShell();
  const text = typingText(shell.typing.value.get(conversationId) ?? []);
  const spokenAt = useRef(-Infinity);
  useEffect(() => {
    if (text === "" || Date.now() - spokenAt.current < SPOKEN_EVERY) return;
    spokenAt.current = Date.now();
    shell.announce(text);
  }, [text]);
  return (
    <p class="typing-line" data-testid="typing">
      {text !== "" && (
        <>
          <span class="typing-dots" aria-hidden="true">
            <span />
            <span />
            <span />
          </span>
          {text}
        </>
      )}
    </p>
  );
}
