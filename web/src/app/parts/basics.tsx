// The small parts every page is made of.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import { explained } from "../problems.ts";
import { words } from "../words.ts";
import { Icon, type IconName } from "./icon.tsx";

export function Spinner() {
  return <span class="spinner" aria-hidden="true" />;
}

/** What went wrong, in a sentence; nothing while nothing did. */
export function Trouble({ problem, testid }: { problem: unknown; testid?: string }) {
  return (
    <div role="alert" class="alert-place">
      {problem !== null && (
        <p class="alert" data-testid={testid ?? "problem"}>
          <Icon name="alert" />
          <span>{typeof problem === "string" ? problem : explained(problem)}</span>
        </p>
      )}
    </div>
  );
}

export function Note({ icon, children }: { icon: IconName; children: ComponentChildren }) {
  return (
    <p class="note">
      <Icon name={icon} />
      <span>{children}</span>
    </p>
  );
}

interface SubmitProps {
  busy: boolean;
  children: ComponentChildren;
  disabled?: boolean;
  testid?: string;
  danger?: boolean;
}

export function Submit({ busy, children, disabled = false, testid, danger = false }: SubmitProps) {
  return (
    <button
      type="submit"
      class={`button ${danger ? "danger" : "primary"}`}
      disabled={disabled}
      aria-disabled={busy}
      data-testid={testid}
    >
      {busy && <Spinner />}
      <span>{children}</span>
    </button>
  );
}

/** For a heading that takes the focus when its page appears: a screen reader starts there. */
export function useFocus<T extends HTMLElement>(wanted = true) {
  const element = useRef<T>(null);
  useEffect(() => {
    if (wanted) element.current?.focus();
  }, []);
  return element;
}

const COPIED_MS = 2_500;

export function CopyButton({ text, label, testid }: { text: string; label?: string; testid?: string }) {
  const [copied, setCopied] = useState(false);
  const [problem, setProblem] = useState(false);

  async function copy() {
    try {
      await navigator.clipboard.writeText(text);
      setCopied(true);
      setTimeout(() => setCopied(false), COPIED_MS);
    } catch {
      setProblem(true); // the browser forbids it; the text can still be marked by hand
    }
  }

  return (
    <button type="button" class="button" onClick={() => void copy()} data-testid={testid}>
      <Icon name={copied ? "check" : "copy"} />
      <span aria-live="polite">
        {problem ? words.copyByHand : copied ? words.copied : (label ?? words.copy)}
      </span>
    </button>
  );
}

const TONES = 8;

/** The first letters of a name on a colour that stays the same for an id. */
export function Avatar({ id, name, group = false }: { id: string; name: string; group?: boolean }) {
  const tone = [...id].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 9973, 7) % TONES;
  return (
    <span class={`avatar tone-${tone}`} aria-hidden="true">
      {group ? <Icon name="group" /> : initials(name)}
    </span>
  );
}

export function initials(name: string): string {
  const parts = name.split(/\s+/).filter((part) => part !== "");
  const letters = [parts[0], parts.length > 1 ? parts.at(-1) : undefined];
  return letters.map((part) => [...(part ?? "")][0] ?? "").join("").toUpperCase();
}

/** A circle that fills from 0 to 1. */
export function Ring({ part }: { part: number }) {
  return (
    <svg class="ring" viewBox="0 0 44 44" aria-hidden="true" focusable="false">
      <circle class="ring-track" cx="22" cy="22" r="19" />
      <circle
        class="ring-part"
        cx="22"
        cy="22"
        r="19"
        pathLength={100}
        stroke-dasharray={`${Math.round(part * 100)} 100`}
      />
    </svg>
  );
}
