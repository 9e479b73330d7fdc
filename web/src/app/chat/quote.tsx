// The message that another one answers: above the answer, and above the composer while it is written.

import type { MessageView, Quote } from "../../worker/protocol.ts";
import { Icon } from "../parts/icon.tsx";
import { useShell } from "../shell.ts";
import { words } from "../words.ts";

export function Quoted({ quote, conversationId }: { quote: Quote; conversationId: string }) {
  const shell = useShell();
  const { id: messageId } = quote;
  if (messageId === null) return <p class="quote">{words.actions.goneQuote}</p>;
  return (
    <button
      type="button"
      class="quote"
      data-testid="quote"
      onClick={() => {
        shell.wanted.value = { conversationId, messageId };
      }}
    >
      <strong>{quote.senderName === "" ? words.chat.you : quote.senderName}</strong>
      <span>{quote.text}</span>
    </button>
  );
}

export function Answering({ message, onCancel }: { message: MessageView; onCancel: () => void }) {
  return (
    <div class="answering" data-testid="answering">
      <p class="quote">
        <strong>{words.actions.answering(message.mine ? words.actions.yourself : message.senderName)}</strong>
        <span>{message.text}</span>
      </p>
      <button type="button" class="icon-button" aria-label={words.actions.noAnswer} onClick={onCancel}>
        <Icon name="close" />
      </button>
    </div>
  );
}
