// A name people recognise, from what a browser says of itself.

import { words } from "./words.ts";

type Rule = readonly [pattern: RegExp, name: string];

// The first that fits: many browsers also call themselves by the names below theirs.
const BROWSERS: readonly Rule[] = [
  [/Edg(?:e|A|iOS)?\//, "Edge"],
  [/OPR\//, "Opera"],
  [/SamsungBrowser\//, "Samsung Internet"],
  [/Firefox\/|FxiOS\//, "Firefox"],
  [/Chrome\/|CriOS\//, "Chrome"],
  [/Safari\//, "Safari"],
];

const SYSTEMS: readonly Rule[] = [
  [/iPhone/, "iPhone"],
  [/iPad/, "iPad"],
  [/Android/, "Android"],
  [/CrOS/, "ChromeOS"],
  [/Windows/, "Windows"],
  [/Macintosh/, "Mac"],
  [/Linux/, "Linux"],
];

function firstOf(rules: readonly Rule[], agent: string): string | null {
  return rules.find(([pattern]) => pattern.test(agent))?.[1] ?? null;
}

export function deviceName(agent: string): string {
  return words.device.defaultName(
    firstOf(BROWSERS, agent) ?? words.device.aBrowser,
    firstOf(SYSTEMS, agent) ?? words.device.aComputer,
  );
}
