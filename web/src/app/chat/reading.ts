// How far a person has read in the open conversation, and where they are to begin.

import { useEffect, useRef, useState } from "preact/hooks";

import type { ConversationSummary, MessageView } from "../../worker/protocol.ts";
import { type Shell, useShell } from "../shell.ts";
import { words } from "../words.ts";
import { Thread } from "./thread.ts";

interface Reading {
  thread: Thread;
  /** So many have come below what is in sight. */
  arrived: number;
  /** The message above which the line of unread ones stands. */
  firstUnread: string | null;
  /** The message that somebody looked for. */
  target: { id: string } | null;
  /** The newest row has come into view, or left it. */
  onStuck: (stuck: boolean) => void;
}

export function useReading({ id, unread }: ConversationSummary): Reading {
  const shell = useShell();
  const [arrived, setArrived] = useState(0);
  const [firstUnread, setFirstUnread] = useState<string | null>(null);
  const atEnd = useRef(true);
  const isAway = useRef(false);
  const opening = useRef<Promise<void>>(Promise.resolve());

  const seen = () => {
    atEnd.current = true;
    setArrived(0);
    if (isInSight()) shell.inBackground(shell.engine.call("markSeen", { conversationId: id }));
  };
  const hear = (messages: readonly MessageView[]) => {
    const others = messages.filter((message) => !message.mine);
    if (others.length === 0) return;
    shell.announce(others.map(spoken).join("\n"));
    if (!isInSight() && !isAway.current) {
      isAway.current = true;
      setFirstUnread(others[0]?.id ?? null);
    }
    if (atEnd.current) seen();
    else setArrived((count) => count + others.length);
  };
  const [thread] = useState(() => new Thread(shell.engine, id, hear));
  useEffect(() => {
    opening.current = thread.opened(unread).then((first) => {
      setFirstUnread(first);
      seen();
    });
    const looked = () => {
      if (isInSight()) isAway.current = false;
      if (atEnd.current) seen();
    };
    document.addEventListener("visibilitychange", looked);
    return () => {
      document.removeEventListener("visibilitychange", looked);
      thread.close();
    };
  }, []);

  const target = useTarget(shell, thread, opening);
  const onStuck = (stuck: boolean) => {
    atEnd.current = stuck;
    if (stuck) seen();
  };
  return { thread, arrived, firstUnread, target, onStuck };
}

/** Pages back to what somebody looked for, once the conversation is open. */
function useTarget(shell: Shell, thread: Thread, opening: { current: Promise<void> }): { id: string } | null {
  const [target, setTarget] = useState<{ id: string } | null>(null);
  const wanted = shell.wanted.value;
  useEffect(() => {
    if (wanted?.conversationId !== thread.conversationId) return;
    shell.wanted.value = null;
    const show = async () => {
      await opening.current;
      if (await thread.reach(wanted.messageId)) setTarget({ id: wanted.messageId });
      else shell.say(words.find.gone);
    };
    shell.inBackground(show());
  }, [wanted]);
  return target;
}

function isInSight(): boolean {
  return document.visibilityState === "visible";
}

function spoken(message: MessageView): string {
  return message.kind === "notice" ? message.text : words.chat.arrived(message.senderName, message.text);
}
