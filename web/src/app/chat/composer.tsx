// Where a message is written: Enter sends, Shift and Enter makes a new line.

import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";

import type { ConversationSummary, MessageView } from "../../worker/protocol.ts";
import { Trouble } from "../parts/basics.tsx";
import { Icon } from "../parts/icon.tsx";
import { useShell } from "../shell.ts";
import { words } from "../words.ts";
import { AttachButton, FileTray, useChosenFiles, useDroppedFiles } from "./attach.tsx";
import { Applies } from "./disappearing.tsx";
import { Answering } from "./quote.tsx";

export const MAX_TEXT_CHARACTERS = 16_000;
const KEEP_AFTER = 400;

interface ComposerProps {
  conversation: ConversationSummary;
  /** Why nobody can write here, or null when everybody can. */
  disabledBecause: string | null;
  /** The message that is being answered. */
  answered: MessageView | null;
  onNoAnswer: () => void;
  onSend: (text: string) => Promise<void>;
}

export function Composer({ conversation, disabledBecause, answered, onNoAnswer, onSend }: ComposerProps) {
  const shell = useShell();
  const { drafts } = shell;
  const { id: conversationId } = conversation;
  const [text, setText] = useState(() => drafts.get(conversationId) ?? conversation.draft);
  const area = useRef<HTMLTextAreaElement>(null);
  const id = useId();
  const [problem, setProblem] = useState<unknown>(null);
  const over = [...text].length - MAX_TEXT_CHARACTERS;
  const chosen = useChosenFiles(conversationId);
  const isDropping = useDroppedFiles(disabledBecause === null, chosen.add);
  const cannotSend = disabledBecause !== null || over > 0 || chosen.tooLarge;

  useDraft(conversation, text);
  useLayoutEffect(() => grow(area.current), [text]);
  useEffect(() => {
    if (matchMedia("(hover: hover)").matches) area.current?.focus();
  }, []);
  useEffect(() => {
    if (answered !== null) area.current?.focus();
  }, [answered]);

  const type = (now: string) => {
    setText(now);
    shell.whisper(conversationId, now.trim() === "" ? "stopped" : "typing");
  };
  useEffect(() => () => shell.whisper(conversationId, "stopped"), []);

  const send = async () => {
    const wanted = text.trim();
    if ((wanted === "" && chosen.list.length === 0) || cannotSend) return;
    setText("");
    setProblem(null);
    area.current?.focus();
    void chosen.send().catch(setProblem);
    if (wanted === "") return;
    try {
      await onSend(wanted);
    } catch (error) {
      setProblem(error);
      setText((now) => (now === "" ? wanted : `${wanted}\n${now}`));
    }
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape") onNoAnswer();
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    void send();
  };

  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      {isDropping && <p class="drop-here">{words.files.drop}</p>}
      {disabledBecause === null && <Applies id={`${id}-lifetime`} limits={conversation} />}
      {answered !== null && <Answering message={answered} onCancel={onNoAnswer} />}
      <FileTray conversationId={conversationId} chosen={chosen} />
      <AttachButton disabled={disabledBecause !== null} onFiles={chosen.add} />
      <label class="visually-hidden" for={id}>
        {words.composer.label}
      </label>
      <textarea
        id={id}
        ref={area}
        rows={1}
        value={text}
        placeholder={words.composer.placeholder}
        disabled={disabledBecause !== null}
        aria-describedby={`${id}-hint ${id}-lifetime`}
        data-testid="composer"
        onInput={(event) => type(event.currentTarget.value)}
        onKeyDown={onKeyDown}
      />
      <button
        type="submit"
        class="send"
        aria-label={words.composer.send}
        disabled={cannotSend || (text.trim() === "" && chosen.list.length === 0)}
        data-testid="send"
      >
        <Icon name="send" />
      </button>
      <p id={`${id}-hint`} class={disabledBecause === null ? "visually-hidden" : "composer-reason"}>
        {disabledBecause ?? words.composer.hint}
      </p>
      {over > 0 && (
        <p class="composer-reason" role="alert">
          {words.composer.tooLong(over)}
        </p>
      )}
      <Trouble problem={problem} />
    </form>
  );
}

/**
 * At hand in this page at once, and kept over its end after a pause. What was not changed here is left as it is:
 * another tab may have written on, or sent it.
 */
function useDraft({ id: conversationId, draft }: ConversationSummary, text: string): void {
  const shell = useShell();
  const latest = useRef(text);
  const kept = useRef(draft);
  const keep = () => {
    if (latest.current === kept.current) return;
    if (shell.keepDraft(conversationId, latest.current)) kept.current = latest.current;
  };
  useEffect(() => {
    latest.current = text;
    shell.drafts.set(conversationId, text);
    const timer = setTimeout(keep, KEEP_AFTER);
    return () => clearTimeout(timer);
  }, [text]);
  useEffect(() => {
    document.addEventListener("visibilitychange", keep);
    return () => {
      document.removeEventListener("visibilitychange", keep);
      keep();
    };
  }, []);
}

function grow(area: HTMLTextAreaElement | null): void {
  if (area === null) return;
  area.style.height = "auto";
  area.style.height = `${area.scrollHeight}px`; // the style sheet sets the most
}
