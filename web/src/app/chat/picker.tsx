// Finding people by name, and choosing one or several of them.

import { useEffect, useRef, useState } from "preact/hooks";

import { searchPeople, type Person } from "../../api/people.ts";
import { Avatar, Spinner, Trouble } from "../parts/basics.tsx";
import { Field } from "../parts/field.tsx";
import { Icon } from "../parts/icon.tsx";
import { words } from "../words.ts";
import { remember } from "./names.ts";

const TYPING_PAUSE_MS = 200;

interface PickerProps {
  /** Not offered: myself, and who is in the conversation already. */
  without: ReadonlySet<string>;
  chosen: readonly Person[];
  disabled: boolean;
  onToggle: (person: Person) => void;
  autoFocus?: boolean;
}

export function PeoplePicker(props: PickerProps) {
  const { without, chosen, disabled, onToggle, autoFocus = false } = props;
  const [search, setSearch] = useState("");
  const { found, looking } = useFound(search.trim());
  const offered = found?.filter((person) => !without.has(person.id)) ?? null;
  const chosenIds = new Set(chosen.map((person) => person.id));

  return (
    <div class="picker">
      <Field
        label={words.search.label}
        hint={words.search.placeholder}
        value={search}
        onChange={setSearch}
        testid="people-search"
        autocomplete="off"
        autoFocus={autoFocus}
      />
      <p class="visually-hidden" role="status">
        {offered === null ? words.search.searching : words.search.found(offered.length)}
      </p>
      <Trouble problem={looking.problem} />
      {looking.busy && offered === null && <Spinner />}
      {offered?.length === 0 && <p class="empty-note">{words.search.none}</p>}
      <ul class="people" data-testid="people-results">
        {offered?.map((person) => (
          <li key={person.id}>
            <PersonButton
              person={person}
              chosen={chosenIds.has(person.id)}
              disabled={disabled}
              onClick={() => onToggle(person)}
            />
          </li>
        ))}
      </ul>
    </div>
  );
}

/** The newest search wins, whatever order the answers come in. */
function useFound(search: string) {
  const [found, setFound] = useState<Person[] | null>(null);
  const [problem, setProblem] = useState<unknown>(null);
  const [busy, setBusy] = useState(true);
  const newest = useRef(0);
  useEffect(() => {
    newest.current += 1;
    const mine = newest.current;
    const timer = setTimeout(async () => {
      setBusy(true);
      try {
        const page = await searchPeople(search);
        if (mine !== newest.current) return;
        remember(page.results);
        setFound(page.results);
        setProblem(null);
      } catch (error) {
        if (mine === newest.current) setProblem(error);
      } finally {
        if (mine === newest.current) setBusy(false);
      }
    }, TYPING_PAUSE_MS);
    return () => clearTimeout(timer);
  }, [search]);
  return { found, looking: { busy, problem } };
}

interface PersonButtonProps {
  person: Person;
  chosen: boolean;
  disabled: boolean;
  onClick: () => void;
}

function PersonButton({ person, chosen, disabled, onClick }: PersonButtonProps) {
  const hasKeys = person.identity_key !== null;
  return (
    <button
      type="button"
      class="person"
      aria-pressed={chosen}
      disabled={disabled || !hasKeys}
      data-testid="person-result"
      data-username={person.username}
      onClick={onClick}
    >
      <Avatar id={person.id} name={person.display_name} />
      <span class="person-names">
        <strong>{person.display_name}</strong>
        <span>
          @{person.username}
          {!hasKeys && ` · ${words.search.notReady}`}
        </span>
      </span>
      {chosen && <Icon name="check" />}
    </button>
  );
}

interface ChosenProps {
  people: readonly Person[];
  onRemove: (person: Person) => void;
}

export function Chosen({ people, onRemove }: ChosenProps) {
  if (people.length === 0) return null;
  return (
    <ul class="chips" aria-label={words.search.chosen(people.length)}>
      {people.map((person) => (
        <li key={person.id}>
          <button
            type="button"
            class="chip"
            aria-label={words.search.remove(person.display_name)}
            onClick={() => onRemove(person)}
          >
            {person.display_name}
            <Icon name="close" />
          </button>
        </li>
      ))}
    </ul>
  );
}

export function toggled(people: readonly Person[], person: Person): Person[] {
  const others = people.filter((one) => one.id !== person.id);
  return others.length === people.length ? [...people, person] : others;
}
