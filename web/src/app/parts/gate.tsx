// The frame of every page before the chat: the sign, one card, one thing to do.

import type { ComponentChildren } from "preact";

import { useShell } from "../shell.ts";
import { words } from "../words.ts";
import { PageTitle } from "./basics.tsx";
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
        <PageTitle key={title} focus={focusTitle}>
          {title}
        </PageTitle>
        {lead !== undefined && <p class="lead">{lead}</p>}
        {children}
      </main>
      {foot !== undefined && <footer class="gate-foot">{foot}</footer>}
    </div>
  );
}
