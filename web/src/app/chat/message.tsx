// One message, and one run of messages by the same sender.

import { useState } from "preact/hooks";

import type { DeliveryState, MessageView, Problem } from "../../worker/protocol.ts";
import { useAction } from "../parts/action.ts";
import { Avatar, Trouble } from "../parts/basics.tsx";
import { Confirm } from "../parts/dialog.tsx";
import { Icon, type IconName } from "../parts/icon.tsx";
import { sentenceFor } from "../problems.ts";
import { useShell } from "../shell.ts";
import { clockTime, dayName, fullTime } from "../time.ts";
import { words } from "../words.ts";
import { MessageActions, Reactions } from "./actions.tsx";
import type { Block } from "./grouping.ts";
import { FileMessage } from "./file-message.tsx";
import { pieces } from "./links.ts";
import { Quoted } from "./quote.tsx";

/** What a message asks of the conversation that it is in. */
export interface Asks {
  /** Gives the text of a failed message back to the composer. */
  onEdit: (text: string) => void;
  /** Null where nobody can write (any more): then a message can be copied, and nothing else. */
  onReply: ((message: MessageView) => void) | null;
}

interface RowProps extends Asks {
  block: Block;
  now: Date;
  /** The id of the last message. */
  lastId: string | null;
}

export function Row({ block, now, lastId, ...asks }: RowProps) {
  switch (block.kind) {
    case "day":
      return (
        <li class="day">
          <span>{dayName(block.at, now)}</span>
        </li>
      );
    case "unread":
      return (
        <li class="unread-line" data-unread-line data-testid="unread-line">
          <span>{words.chat.newHere}</span>
        </li>
      );
    case "notice":
      return (
        <li class="notice" data-testid="notice" data-row={block.message.id}>
          <span>{block.message.text}</span>
          {block.message.delivery === "failed" && <Failed message={block.message} onEdit={asks.onEdit} />}
          {block.message.unsent !== null && <Unsent message={block.message} problem={block.message.unsent} />}
        </li>
      );
    case "run":
      return <Run block={block} lastId={lastId} {...asks} />;
  }
}

type RunBlock = Extract<Block, { kind: "run" }>;

function Run({ block, lastId, ...asks }: { block: RunBlock; lastId: string | null } & Asks) {
  const sender = block.messages[0]?.senderId ?? "";
  return (
    <li class={`run ${block.mine ? "mine" : "theirs"}`}>
      {!block.mine && <Avatar id={sender} name={block.senderName} />}
      <div class="run-body">
        <p class={block.mine ? "visually-hidden" : "run-sender"}>
          {block.mine ? words.chat.you : block.senderName}
        </p>
        <ul class="bubbles">
          {block.messages.map((message) => (
            <Message key={message.id} message={message} isLast={message.id === lastId} {...asks} />
          ))}
        </ul>
      </div>
    </li>
  );
}

function Message({ message, isLast, onEdit, onReply }: { message: MessageView; isLast: boolean } & Asks) {
  return (
    <li
      class={`message ${message.delivery ?? ""}`}
      data-testid="message"
      data-row={message.id}
      data-mine={message.mine}
    >
      <div class="bubble-row">
        <div class="bubble">
          {message.reply !== null && <Quoted quote={message.reply} conversationId={message.conversationId} />}
          {message.file === null ? (
            <span class="message-text" data-testid="message-text">
              <Text text={message.text} />
            </span>
          ) : (
            <FileMessage messageId={message.id} file={message.file} />
          )}
          <span class="meta">
            {message.isEdited && <span data-testid="message-edited">{words.actions.edited}</span>}
            {message.until !== null && <Until at={message.until} />}
            <time dateTime={message.at} title={fullTime(message.at)}>
              {clockTime(message.at)}
            </time>
            {message.delivery !== null && <DeliveryMark state={message.delivery} />}
          </span>
        </div>
        {message.position !== null && <MessageActions message={message} isLast={isLast} onReply={onReply} />}
      </div>
      <Reactions message={message} disabled={onReply === null} />
      {message.delivery === "failed" && <Failed message={message} onEdit={onEdit} />}
      {message.unsent !== null && <Unsent message={message} problem={message.unsent} />}
    </li>
  );
}

/** That it will disappear, and when. */
function Until({ at }: { at: string }) {
  const text = words.disappearing.at(fullTime(at));
  return (
    <span class="mark" title={text} data-testid="message-until">
      <Icon name="timer" />
      <span class="visually-hidden">{text}</span>
    </span>
  );
}

function Text({ text }: { text: string }) {
  return (
    <>
      {pieces(text).map((piece, index) =>
        piece.kind === "link" ? (
          <a key={index} href={piece.href} target="_blank" rel="noopener noreferrer">
            {piece.text}
          </a>
        ) : (
          piece.text
        ),
      )}
    </>
  );
}

const MARK_OF: Readonly<Record<DeliveryState, IconName>> = {
  sending: "clock",
  sent: "check",
  delivered: "doubleCheck",
  failed: "alert",
};

function DeliveryMark({ state }: { state: DeliveryState }) {
  return (
    <span
      class={`mark ${state}`}
      data-testid="message-status"
      data-state={state}
      title={words.chat.delivery[state]}
    >
      <Icon name={MARK_OF[state]} />
      <span class="visually-hidden">{words.chat.delivery[state]}</span>
    </span>
  );
}

/** What was changed here, and nowhere else. */
function Unsent({ message, problem }: { message: MessageView; problem: Problem }) {
  const shell = useShell();
  const action = useAction();
  const { conversationId, id: messageId } = message;
  const retry = async () => void (await shell.engine.call("retry", { conversationId, messageId }));
  return (
    <div class="failed" data-testid="change-unsent">
      <p>
        {words.chat.unsent}: {sentenceFor(problem)}
      </p>
      <button type="button" class="link" data-testid="change-retry" onClick={() => void action.run(retry)}>
        {words.chat.retry}
      </button>
      <Trouble problem={action.problem} />
    </div>
  );
}

function Failed({ message, onEdit }: { message: MessageView; onEdit: (text: string) => void }) {
  const shell = useShell();
  const [asks, setAsks] = useState(false);
  const action = useAction();
  const { conversationId, id: messageId } = message;
  const retry = async () => void (await shell.engine.call("retry", { conversationId, messageId }));
  const discard = () => shell.engine.call("discard", { conversationId, messageId });
  const edit = async () => {
    onEdit((await discard()).text);
    shell.say(words.chat.discarded);
  };

  return (
    <div class="failed">
      <p>
        {words.chat.delivery.failed}
        {message.problem !== null && `: ${sentenceFor(message.problem)}`}
      </p>
      <button type="button" class="link" data-testid="message-retry" onClick={() => void action.run(retry)}>
        {words.chat.retry}
      </button>
      {message.kind === "text" && (
        <button type="button" class="link" onClick={() => void action.run(edit)}>
          {words.chat.edit}
        </button>
      )}
      <button
        type="button"
        class="link"
        data-testid="message-discard"
        onClick={() => setAsks(true)}
      >
        {words.chat.discard}
      </button>
      <Trouble problem={action.problem} />
      {asks && (
        <Confirm
          title={words.chat.discardTitle}
          lead={words.chat.discardLead}
          confirm={words.chat.discard}
          onConfirm={async () => void (await discard())}
          onClose={() => setAsks(false)}
        />
      )}
    </div>
  );
}
