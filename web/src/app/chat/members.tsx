// Who is in a conversation, and how long its messages stay: adding people is beside it, removing them
// and leaving are here.

import { useState } from "preact/hooks";

import type { ConversationSummary } from "../../worker/protocol.ts";
import { Avatar } from "../parts/basics.tsx";
import { Confirm, Dialog } from "../parts/dialog.tsx";
import { Icon } from "../parts/icon.tsx";
import { useShell } from "../shell.ts";
import { words } from "../words.ts";
import { Disappearing } from "./disappearing.tsx";
import { nameOf } from "./names.ts";
import { Rename } from "./rename.tsx";

interface MembersProps {
  conversation: ConversationSummary;
  onClose: () => void;
}

/** Null: nothing is asked. A person's id: remove them? */
type Asked = { removing: string } | "leaving" | null;

export function Members({ conversation, onClose }: MembersProps) {
  const shell = useShell();
  const [asked, setAsked] = useState<Asked>(null);
  const { id: conversationId } = conversation;

  if (asked === "leaving") {
    return (
      <Confirm
        title={words.members.leaveTitle(conversation.title)}
        lead={words.members.leaveLead}
        confirm={words.members.leave}
        onConfirm={async () => {
          await shell.engine.call("leaveConversation", { conversationId });
          onClose();
        }}
        onClose={() => setAsked(null)}
      />
    );
  }
  if (asked !== null) {
    const { removing: personId } = asked;
    return (
      <Confirm
        title={words.members.removeTitle(nameOf(personId))}
        lead={words.members.removeLead}
        confirm={words.members.remove}
        onConfirm={async () => {
          await shell.engine.call("removePerson", { conversationId, personId });
          shell.say(words.members.removed(nameOf(personId)));
        }}
        onClose={() => setAsked(null)}
      />
    );
  }
  return <MemberList conversation={conversation} onAsk={setAsked} onClose={onClose} />;
}

interface ListProps extends MembersProps {
  onAsk: (asked: Asked) => void;
}

function MemberList({ conversation, onAsk, onClose }: ListProps) {
  const me = useShell().session.value?.person ?? null;
  const others = conversation.personIds.filter((id) => id !== me?.id);
  const isOpen = conversation.state === "open";
  const isGroup = conversation.kind === "group";
  const title = isGroup ? words.members.title : words.members.detailsOf(conversation.title);
  return (
    <Dialog title={title} onClose={onClose} testid="members-dialog">
      <ul class="members" aria-label={words.members.title}>
        {me !== null && isStillIn(conversation) && <MemberRow id={me.id} name={me.display_name} isMe />}
        {others.map((id) => (
          <MemberRow key={id} id={id} name={nameOf(id)} onRemove={isOpen && isGroup ? () => onAsk({ removing: id }) : null} />
        ))}
      </ul>
      {isOpen && isGroup && <Rename conversation={conversation} onDone={onClose} />}
      {isOpen && <Disappearing conversation={conversation} onDone={onClose} />}
      {isOpen && isGroup && (
        <div class="actions">
          <button
            type="button"
            class="button danger"
            data-testid="leave-group"
            onClick={() => onAsk("leaving")}
          >
            <Icon name="logOut" />
            <span>{words.members.leave}</span>
          </button>
        </div>
      )}
    </Dialog>
  );
}

function isStillIn({ state }: ConversationSummary): boolean {
  return state === "open" || state === "leaving";
}

interface RowProps {
  id: string;
  name: string;
  isMe?: boolean;
  onRemove?: (() => void) | null;
}

function MemberRow({ id, name, isMe = false, onRemove = null }: RowProps) {
  return (
    <li class="member" data-testid="member">
      <Avatar id={id} name={name} />
      <span class="person-names">
        <strong>{name}</strong>
        {isMe && <span>{words.chat.you}</span>}
      </span>
      {onRemove !== null && (
        <button
          type="button"
          class="button"
          aria-label={words.search.remove(name)}
          data-testid="member-remove"
          onClick={onRemove}
        >
          {words.members.remove}
        </button>
      )}
    </li>
  );
}
