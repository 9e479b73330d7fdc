// The rows of one conversation that are on the page: at most 200, wherever a person scrolls.
//
// The engine can page backwards only. So the ids of all rows ever seen are kept in order, and going
// forward again asks for what stands before a later id.

import { MOST_QUOTED_CHARACTERS, type MessageView } from "../../worker/protocol.ts";

export const PAGE = 50;
export const MOST_ROWS = 200;

export interface Window {
  /** Ids of everything loaded so far, oldest first. */
  known: readonly string[];
  /** What is shown: a slice of the above. */
  rows: readonly MessageView[];
  /** There is more before the first known id. */
  more: boolean;
}

export const EMPTY: Window = { known: [], rows: [], more: true };

export function newestPage(rows: readonly MessageView[], more: boolean): Window {
  return { known: rows.map((row) => row.id), rows, more };
}

/** The newest known row is among those shown. */
export function isAtEnd(window: Window): boolean {
  return window.rows.at(-1)?.id === window.known.at(-1);
}

/** Is there anything to show above the first row? */
export function hasOlder(window: Window): boolean {
  return window.more || window.known[0] !== window.rows[0]?.id;
}

/** What `messages` must be asked for to show later rows, or null at the end. */
export function newerCursor(window: Window): { before: string | null } | null {
  const last = window.rows.at(-1);
  if (last === undefined || isAtEnd(window)) return null;
  return { before: window.known[window.known.lastIndexOf(last.id) + 1 + PAGE] ?? null };
}

export function withOlder(window: Window, page: readonly MessageView[], more: boolean): Window {
  const shown = new Set(window.rows.map((row) => row.id));
  const fresh = page.filter((row) => !shown.has(row.id));
  const known = new Set(window.known);
  const unknown = fresh.map((row) => row.id).filter((id) => !known.has(id));
  const wasOldest = window.known[0] === window.rows[0]?.id;
  return {
    known: [...unknown, ...window.known],
    rows: [...fresh, ...window.rows].slice(0, MOST_ROWS),
    more: wasOldest ? more : window.more,
  };
}

export function withNewer(window: Window, page: readonly MessageView[]): Window {
  const shown = new Set(window.rows.map((row) => row.id));
  const fresh = page.filter((row) => !shown.has(row.id));
  const known = new Set(window.known);
  const unknown = fresh.map((row) => row.id).filter((id) => !known.has(id));
  return {
    known: [...window.known, ...unknown],
    rows: [...window.rows, ...fresh].slice(-MOST_ROWS),
    more: window.more,
  };
}

/** Messages that are new or have changed. Rows are added only while the end is shown. */
export function withChanges(window: Window, changes: readonly MessageView[]): Window {
  const changed = changes.reduce(withChange, window);
  return { ...changed, rows: requoted(changed.rows, new Map(changes.map((message) => [message.id, message]))) };
}

function withChange(window: Window, message: MessageView): Window {
  const atEnd = isAtEnd(window);
  const index = window.rows.findIndex((row) => row.id === message.id);
  const before = window.rows[index];
  if (before !== undefined && before.position === message.position) {
    return { ...window, rows: window.rows.with(index, message) };
  }
  if (before !== undefined) return moved(window, message, atEnd);
  if (window.known.includes(message.id) || isNotLoaded(window, message)) return window;
  if (!atEnd) return { ...window, known: [...window.known, message.id] };
  const rows = placed(window.rows, message);
  return { ...window, known: follow(window.known, rows), rows: rows.slice(-MOST_ROWS) };
}

/** It stands before everything that was loaded, and comes with its page. */
function isNotLoaded(window: Window, { position }: MessageView): boolean {
  const first = window.rows[0]?.position ?? null;
  return position !== null && first !== null && position < first && hasOlder(window);
}

/** An own message that got its position may have to step before or behind another one. */
function moved(window: Window, message: MessageView, atEnd: boolean): Window {
  const others = window.rows.filter((row) => row.id !== message.id);
  const rows = placed(others, message);
  if (!atEnd) return { ...window, rows };
  const rest = window.known.filter((id) => id !== message.id);
  return { ...window, rows, known: follow(rest, rows) };
}

/** The known ids, with their tail in the order of the rows. */
function follow(known: readonly string[], rows: readonly MessageView[]): string[] {
  const shown = new Set(rows.map((row) => row.id));
  return [...known.filter((id) => !shown.has(id)), ...rows.map((row) => row.id)];
}

function placed(rows: readonly MessageView[], message: MessageView): MessageView[] {
  let index = rows.length;
  while (index > 0 && comesAfter(rows[index - 1]!, message)) index -= 1; // index - 1 is in range
  return rows.toSpliced(index, 0, message);
}

function comesAfter(row: MessageView, message: MessageView): boolean {
  if (message.position === null) return false; // not accepted yet: it stands last
  if (row.position !== null) return row.position > message.position;
  return row.mine && row.kind === "text"; // accepted ones stand before those that wait
}

/** What somebody else wrote, so many from the end; as far as it is among the rows. */
export function firstUnread({ rows }: Window, unread: number): { id: string | null; isFound: boolean } {
  const others = rows.filter((row) => !row.mine && row.kind !== "notice");
  if (unread === 0) return { id: null, isFound: true };
  return { id: others.at(-unread)?.id ?? others[0]?.id ?? null, isFound: others.length >= unread };
}

export function without(window: Window, messageIds: readonly string[]): Window {
  const gone = new Set(messageIds);
  return {
    ...window,
    known: window.known.filter((id) => !gone.has(id)),
    rows: requoted(window.rows.filter((row) => !gone.has(row.id)), new Map(messageIds.map((id) => [id, null]))),
  };
}

/** Answers quote what a message says now; what is not here any more, or a notice by now, is not quoted. */
function requoted(
  rows: readonly MessageView[],
  changes: ReadonlyMap<string, MessageView | null>,
): readonly MessageView[] {
  return rows.map((row) => {
    const { reply } = row;
    const changed = reply?.id ? changes.get(reply.id) : undefined;
    if (reply === null || changed === undefined) return row;
    const isThere = changed !== null && changed.kind !== "notice";
    const text = isThere ? changed.text.slice(0, MOST_QUOTED_CHARACTERS) : "";
    return { ...row, reply: isThere ? { ...reply, text } : { id: null, senderName: "", text } };
  });
}
