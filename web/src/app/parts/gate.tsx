// The frame of every page before the chat: the sign, one card, one thing to do.

import type { ComponentChildren } from "preact";

import { useShell } from "../shell.ts";
import { words } from "../words.ts";
import { useFocus } from "./basics.tsx";
import { Logo } from "./icon.tsx";

interface GateProps {
  title: string;
  lead?: string;
  /** False where the first field takes the focus instead. */
  focusTitle?: boolean;
  wide?: boolean;
  children?: ComponentChildren;
  foot?: ComponentChildren;
}

export function Gate({ title, lead, focusTitle = true, wide = false, children, foot }: GateProps) {
  const organisation = useShell().session.value?.organisation ?? words.product;
  return (
    <div class="gate">
      <header class="gate-brand">
        <Logo />
        <span>{organisation}</span>
      </header>
      <main id="content" class={`card ${wide ? "wide" : ""}`}>
        <Title key={title} text={title} focus={focusTitle} />
        {lead !== undefined && <p class="lead">{lead}</p>}
        {children}
      </main>
      {foot !== undefined && <footer class="gate-foot">{foot}</footer>}
    </div>
  );
}

function Title({ text, focus }: { text: string; focus: boolean }) {
  const heading = useFocus<HTMLHeadingElement>(focus);
  return (
    <h1 ref={heading} tabIndex={-1}>
      {text}
    </h1>
  );
}
