// A QR code as one SVG path: always dark on white, whatever the theme, or scanners fail.

import { useMemo } from "preact/hooks";

import { qrCode, type Modules } from "./qr.ts";

const QUIET = 4;

function pathOf(modules: Modules): string {
  return modules
    .flatMap((line, row) => line.map((dark, column) => (dark ? `M${column} ${row}h1v1h-1z` : "")))
    .join("");
}

export function QrPicture({ text, label }: { text: string; label: string }) {
  const modules = useMemo(() => qrCode(text), [text]);
  const size = modules.length + 2 * QUIET;
  return (
    <svg
      class="qr"
      role="img"
      aria-label={label}
      viewBox={`${-QUIET} ${-QUIET} ${size} ${size}`}
      shape-rendering="crispEdges"
    >
      <path d={pathOf(modules)} />
    </svg>
  );
}
