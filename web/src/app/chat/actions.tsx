// What can be done with a message: feel something about it, answer it, copy it, take it back.

import { useState } from "preact/hooks";

import type { MessageView } from "../../worker/protocol.ts";
import { useAction } from "../parts/action.ts";
import { Trouble } from "../parts/basics.tsx";
import { Confirm, Dialog } from "../parts/dialog.tsx";
import { Icon } from "../parts/icon.tsx";
import { useShell } from "../shell.ts";
import { words } from "../words.ts";
import { EditMessage } from "./edit.tsx";

const EMOJI = ["👍", "❤️", "😂", "🎉", "👀", "✅"] as const;

interface ActionsProps {
  message: MessageView;
  /** Of the buttons of all messages one can be reached by Tab, and the others from there by arrow keys. */
  isLast: boolean;
  onReply: ((message: MessageView) => void) | null;
}

export function MessageActions({ message, isLast, onReply }: ActionsProps) {
  const [shown, setShown] = useState<"menu" | "editing" | "deleting" | null>(null);
  const shell = useShell();
  const { conversationId, id: messageId } = message;
  return (
    <>
      <button
        type="button"
        class="icon-button message-actions"
        tabIndex={isLast ? 0 : -1}
        aria-label={words.actions.open(message.mine ? words.chat.you : message.senderName)}
        aria-haspopup="dialog"
        data-actions
        data-testid="message-actions"
        onKeyDown={walk}
        onClick={() => setShown("menu")}
      >
        <Icon name="more" />
      </button>
      {shown === "menu" && (
        <Menu message={message} onReply={onReply} onAsk={setShown} onClose={() => setShown(null)} />
      )}
      {shown === "editing" && <EditMessage message={message} onClose={() => setShown(null)} />}
      {shown === "deleting" && (
        <Confirm
          title={words.actions.deleteTitle}
          lead={words.actions.deleteLead}
          confirm={words.actions.delete}
          onConfirm={async () => void (await shell.engine.call("deleteMessage", { conversationId, messageId }))}
          onClose={() => setShown(null)}
        />
      )}
    </>
  );
}

/** To the button of the message above or below. */
function walk(event: KeyboardEvent): void {
  const step = event.key === "ArrowUp" ? -1 : event.key === "ArrowDown" ? 1 : 0;
  if (step === 0) return;
  const here = event.currentTarget as HTMLElement;
  const all = [...(here.closest("ol")?.querySelectorAll<HTMLElement>("[data-actions]") ?? [])];
  event.preventDefault();
  all[all.indexOf(here) + step]?.focus();
}

interface MenuProps {
  message: MessageView;
  onReply: ((message: MessageView) => void) | null;
  onAsk: (asked: "editing" | "deleting") => void;
  onClose: () => void;
}

function Menu({ message, onReply, onAsk, onClose }: MenuProps) {
  const shell = useShell();
  const action = useAction();
  const copy = async () => {
    await navigator.clipboard.writeText(message.text);
    shell.say(words.copied);
    onClose();
  };
  return (
    <Dialog title={words.actions.title} onClose={onClose} testid="message-menu">
      {onReply !== null && <Feelings message={message} onDone={onClose} />}
      <Trouble problem={action.problem} />
      <div class="message-menu">
        {onReply !== null && (
          <button
            type="button"
            class="menu-item"
            data-testid="message-reply"
            onClick={() => {
              onClose();
              onReply(message);
            }}
          >
            <Icon name="reply" /> {words.actions.reply}
          </button>
        )}
        <button type="button" class="menu-item" data-testid="message-copy" onClick={() => void action.run(copy)}>
          <Icon name="copy" /> {message.kind === "file" ? words.actions.copyName : words.actions.copy}
        </button>
        {message.mine && message.kind === "text" && onReply !== null && (
          <button type="button" class="menu-item" data-testid="message-edit" onClick={() => onAsk("editing")}>
            <Icon name="pen" /> {words.actions.edit}
          </button>
        )}
        {message.mine && onReply !== null && (
          <button
            type="button"
            class="menu-item danger"
            data-testid="message-delete"
            onClick={() => onAsk("deleting")}
          >
            <Icon name="trash" /> {words.actions.delete}
          </button>
        )}
      </div>
    </Dialog>
  );
}

function Feelings({ message, onDone }: { message: MessageView; onDone: () => void }) {
  const react = useReact(message);
  const mine = message.reactions.find((reaction) => reaction.mine)?.emoji ?? null;
  return (
    <div class="feelings" role="group" aria-label={words.actions.feel}>
      {EMOJI.map((emoji) => (
        <button
          key={emoji}
          type="button"
          class="feeling"
          aria-label={words.actions.emoji[emoji]}
          aria-pressed={mine === emoji}
          data-testid="feeling"
          onClick={() => {
            react(emoji);
            onDone();
          }}
        >
          {emoji}
        </button>
      ))}
    </div>
  );
}

/** Below a message: what people feel about it, each a button to feel the same, or no longer. */
export function Reactions({ message, disabled }: { message: MessageView; disabled: boolean }) {
  const react = useReact(message);
  if (message.reactions.length === 0) return null;
  return (
    <ul class="reactions" aria-label={words.actions.reactions}>
      {message.reactions.map(({ emoji, names, mine }) => (
        <li key={emoji}>
          <button
            type="button"
            class="reaction"
            aria-pressed={mine}
            aria-label={words.actions.felt(emoji, names)}
            title={names.join(", ")}
            disabled={disabled}
            data-testid="reaction"
            onClick={() => react(emoji)}
          >
            <span>{emoji}</span> {names.length}
          </button>
        </li>
      ))}
    </ul>
  );
}

function useReact({ conversationId, id: messageId, reactions }: MessageView): (emoji: string) => void {
  const shell = useShell();
  return (emoji) => {
    const isTakenBack = reactions.some((reaction) => reaction.mine && reaction.emoji === emoji);
    shell.inBackground(shell.engine.call("react", { conversationId, messageId, emoji: isTakenBack ? null : emoji }));
  };
}
