// What nobody may read any more, wherever the page still shows it.

import { useEffect } from "preact/hooks";

import type { Notification } from "../../worker/protocol.ts";
import { useShell } from "../shell.ts";

/** Called with the ids of messages that are gone, or deleted. */
export function useGone(onGone: (ids: ReadonlySet<string>) => void): void {
  const { engine } = useShell();
  useEffect(
    () =>
      engine.subscribe((notification) => {
        const ids = goneBy(notification);
        if (ids.size > 0) onGone(ids);
      }),
    [],
  );
}

function goneBy(notification: Notification): ReadonlySet<string> {
  if (notification.type === "gone") return new Set(notification.messageIds);
  if (notification.type !== "messages") return new Set();
  return new Set(notification.messages.filter(({ kind }) => kind === "notice").map(({ id }) => id));
}
