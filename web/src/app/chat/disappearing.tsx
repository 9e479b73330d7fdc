// After how long the messages of a conversation disappear: chosen by its people, within what their
// organisation allows.

import { useState } from "preact/hooks";

import { durationOf } from "../../durations.ts";
import type { ConversationSummary } from "../../worker/protocol.ts";
import { Select } from "../parts/field.tsx";
import { Icon } from "../parts/icon.tsx";
import { useShell } from "../shell.ts";
import { words } from "../words.ts";
import { OneSetting } from "./one-setting.tsx";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const LIFETIMES = [30, 5 * MINUTE, HOUR, 8 * HOUR, DAY, 7 * DAY, 28 * DAY, 84 * DAY];
const NEVER = "never";

type Limits = Pick<ConversationSummary, "lifetime" | "longest">;

/** What can be chosen: nothing beyond the limit, and always what is chosen now. */
export function choicesFor({ lifetime, longest }: Limits): { value: string; label: string }[] {
  const within = LIFETIMES.filter((each) => longest === null || each < longest);
  const all = lifetime === null || within.includes(lifetime) ? within : [...within, lifetime];
  const unchosen = longest === null ? words.disappearing.never : words.disappearing.longest(durationOf(longest));
  return [
    { value: NEVER, label: unchosen },
    ...all.toSorted((one, other) => one - other).map((each) => ({ value: `${each}`, label: durationOf(each) })),
  ];
}

/** What holds for a message that is written now; null: it stays. */
export function appliesTo({ lifetime, longest }: Limits): string | null {
  if (longest !== null && longest < (lifetime ?? Infinity)) return words.disappearing.byOrganisation(durationOf(longest));
  return lifetime === null ? null : words.disappearing.applies(durationOf(lifetime));
}

export function Disappearing({ conversation, onDone }: { conversation: ConversationSummary; onDone: () => void }) {
  const shell = useShell();
  const { id: conversationId, lifetime, longest } = conversation;
  const now = lifetime === null ? NEVER : `${lifetime}`;
  const [chosen, setChosen] = useState<string | null>(null);
  const value = chosen ?? now;
  const limit = longest === null ? "" : words.disappearing.limit(durationOf(longest));

  const save = async () => {
    const wanted = value === NEVER ? null : Number(value);
    await shell.engine.call("setLifetime", { conversationId, lifetime: wanted });
    shell.announce(appliesTo({ lifetime: wanted, longest }) ?? words.disappearing.off);
    onDone(); // what is seen of it is the line in the conversation
  };

  return (
    <OneSetting
      isChanged={value !== now}
      save={save}
      testid="lifetime-save"
      hint={`${words.disappearing.lead} ${limit}`}
    >
      <Select
        label={words.disappearing.label}
        value={value}
        options={choicesFor(conversation)}
        testid="lifetime"
        onChange={setChosen}
      />
    </OneSetting>
  );
}

/** Above the composer: what holds for what is written there. */
export function Applies({ id, limits }: { id: string; limits: Limits }) {
  const text = appliesTo(limits);
  if (text === null) return null;
  return (
    <p class="composer-lifetime" id={id} data-testid="composer-lifetime">
      <Icon name="timer" />
      <span>{text}</span>
    </p>
  );
}
