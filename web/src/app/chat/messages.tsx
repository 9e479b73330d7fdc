// The scrolling list of messages of one conversation.

import { useMemo, useState } from "preact/hooks";

import { Spinner, Trouble } from "../parts/basics.tsx";
import { Icon } from "../parts/icon.tsx";
import { words } from "../words.ts";
import { grouped } from "./grouping.ts";
import { type Asks, Row } from "./message.tsx";
import { useScrolling } from "./scrolling.ts";
import type { Thread } from "./thread.ts";
import { hasOlder, isAtEnd } from "./window.ts";

interface MessagesProps extends Asks {
  thread: Thread;
  arrived: number;
  firstUnread: string | null;
  target: { id: string } | null;
  /** Told when the newest row comes into view, and when it leaves it. */
  onStuck: (stuck: boolean) => void;
}

export function Messages({ thread, arrived, firstUnread, target, onStuck, ...asks }: MessagesProps) {
  const window = thread.window.value;
  const loading = thread.loading.value;
  const atEnd = isAtEnd(window);
  const [isStuck, setStuck] = useState(true);
  const blocks = useMemo(() => grouped(window.rows, firstUnread), [window.rows, firstUnread]);
  const { scroller, onScroll, toEnd } = useScrolling({
    rows: window.rows,
    atEnd,
    firstUnread,
    target,
    onNearTop: () => void thread.older(),
    onNearBottom: () => void thread.newer(),
    onStuck: (stuck) => {
      setStuck(stuck);
      onStuck(stuck);
    },
  });
  const lastId = window.rows.findLast(({ kind, position }) => kind !== "notice" && position !== null)?.id ?? null;
  const jump = async () => {
    if (!atEnd) await thread.newest();
    toEnd();
  };

  return (
    <div class="messages-place">
      <div
        class="messages-scroll"
        ref={scroller}
        onScroll={onScroll}
        tabIndex={0}
        role="region"
        aria-label={words.chat.messages}
      >
        <Trouble problem={thread.problem.value} />
        {thread.problem.value !== null && (
          <button type="button" class="button" onClick={() => void thread.newest()}>
            {words.retry}
          </button>
        )}
        <Top loading={loading} beginning={!hasOlder(window)} />
        <ol class="messages" data-testid="messages">
          {blocks.map((block) => (
            <Row key={block.key} block={block} now={new Date()} lastId={lastId} {...asks} />
          ))}
        </ol>
      </div>
      {!isStuck && <ToNewest arrived={arrived} onClick={() => void jump()} />}
    </div>
  );
}

function Top({ loading, beginning }: { loading: Thread["loading"]["value"]; beginning: boolean }) {
  if (loading === "first" || loading === "older") {
    return (
      <p class="list-edge">
        <Spinner /> {loading === "older" ? words.chat.loadingOlder : words.loading}
      </p>
    );
  }
  if (!beginning) return <p class="list-edge" />;
  return (
    <p class="list-edge">
      <Icon name="lock" /> {words.chat.beginning}
    </p>
  );
}

function ToNewest({ arrived, onClick }: { arrived: number; onClick: () => void }) {
  return (
    <button type="button" class="to-newest" data-testid="to-newest" onClick={onClick}>
      <Icon name="arrowDown" />
      {arrived > 0 ? words.chat.newBelow(arrived) : words.chat.toNewest}
    </button>
  );
}
