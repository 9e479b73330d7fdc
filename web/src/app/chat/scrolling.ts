// Keeps what a person is reading in place while rows come and go above and below it.

import { useEffect, useLayoutEffect, useRef } from "preact/hooks";

const NEAR_END = 60;
const LOAD_AHEAD = 500;
const LINE_MARGIN = 12;

interface Scrolling {
  /** Changes whenever rows do. */
  rows: unknown;
  atEnd: boolean;
  /** The first unread message; when it comes to be known, reading begins there. */
  firstUnread: string | null;
  /** The message that somebody looked for. */
  target: { id: string } | null;
  onNearTop: () => void;
  onNearBottom: () => void;
  onStuck: (stuck: boolean) => void;
}

interface Anchor {
  row: string;
  /** Distance of the row's top from the top of what is visible. */
  offset: number;
}

export function useScrolling({ rows, atEnd, firstUnread, target, onNearTop, onNearBottom, onStuck }: Scrolling) {
  const scroller = useRef<HTMLDivElement>(null);
  const anchor = useRef<Anchor | null>(null);
  const stuck = useRef(true);

  const look = () => {
    const element = scroller.current;
    if (element === null) return;
    const below = element.scrollHeight - element.scrollTop - element.clientHeight;
    const isStuck = atEnd && below < NEAR_END;
    if (isStuck !== stuck.current) {
      stuck.current = isStuck;
      onStuck(isStuck);
    }
    anchor.current = anchorIn(element);
    if (element.scrollTop < LOAD_AHEAD) onNearTop();
    if (below < LOAD_AHEAD && !atEnd) onNearBottom();
  };

  const toEnd = () => {
    const element = scroller.current;
    if (element === null) return;
    element.scrollTop = element.scrollHeight;
    stuck.current = true;
    onStuck(true);
  };

  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    if (stuck.current && atEnd) element.scrollTop = element.scrollHeight;
    else if (anchor.current !== null) holdIn(element, anchor.current);
    anchor.current = anchorIn(element);
    look(); // a short page may leave room for more
  }, [rows]);

  useLayoutEffect(() => {
    const element = scroller.current;
    const line = element?.querySelector("[data-unread-line]");
    if (!element || !line) return;
    const above = line.getBoundingClientRect().top - element.getBoundingClientRect().top - LINE_MARGIN;
    if (above >= 0) return; // all of it is in sight already
    element.scrollTop += above;
    look();
  }, [firstUnread]);

  useLayoutEffect(() => {
    const element = scroller.current;
    const row = target && element?.querySelector<HTMLElement>(`[data-row="${CSS.escape(target.id)}"]`);
    if (!element || !row) return;
    element.scrollTop += row.getBoundingClientRect().top - element.getBoundingClientRect().top - element.clientHeight / 3;
    look();
    row.tabIndex = -1;
    row.focus({ preventScroll: true }); // and its outline shows where it is
  }, [target]);

  useEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    const watcher = new ResizeObserver(() => {
      if (stuck.current) element.scrollTop = element.scrollHeight;
    });
    watcher.observe(element);
    return () => watcher.disconnect();
  }, []);

  return { scroller, onScroll: look, toEnd };
}

function anchorIn(element: HTMLElement): Anchor | null {
  const top = element.getBoundingClientRect().top;
  for (const row of element.querySelectorAll<HTMLElement>("[data-row]")) {
    const box = row.getBoundingClientRect();
    if (box.bottom > top) return { row: row.dataset["row"] ?? "", offset: box.top - top };
  }
  return null;
}

function holdIn(element: HTMLElement, { row: id, offset }: Anchor): void {
  const row = element.querySelector(`[data-row="${CSS.escape(id)}"]`);
  if (row === null) return;
  const moved = row.getBoundingClientRect().top - element.getBoundingClientRect().top - offset;
  if (moved !== 0) element.scrollTop += moved;
}
