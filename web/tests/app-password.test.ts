// The hint beside a new password, and the name a browser gets.

import assert from "node:assert/strict";
import { test } from "node:test";
import { deviceName } from "../src/app/device-name.ts";
import { passwordHint } from "../src/app/password.ts";

const OWN = ["ada", "Ada Lovelace"];

test("a password that breaks a rule is too weak, and the rule is named", () => {
  const table = [
    ["", { length: false, own: true, common: false }],
    ["short", { length: false, own: true, common: true }],
    ["lovelace is my name", { length: true, own: false, common: true }],
    ["aaaaaaaaaaaaaaaa", { length: true, own: true, common: false }],
    ["abcabcabcabcabc", { length: true, own: true, common: false }],
    ["MyPassword2026!", { length: true, own: true, common: false }],
  ] as const;
  for (const [password, rules] of table) {
    const hint = passwordHint(password, OWN);

    assert.deepEqual(hint.rules, rules, password);
    assert.equal(hint.strength, 0, password);
  }
});

test("longer and more varied passwords are stronger", () => {
  const weaker = passwordHint("ooooaaooooaa", OWN).strength;
  const fair = passwordHint("brownzebrafish", OWN).strength;
  const strong = passwordHint("horse staple river lamp", OWN).strength;

  assert(weaker < fair && fair < strong);
  assert.equal(strong, 4);
});

test("length is counted in characters people see, not in bytes", () => {
  assert(!passwordHint("🐎🔋📎🐎🔋📎", []).rules.length);
  assert(passwordHint("🐎🔋📎🚲🌊🏔🎹🧵🍋🪁🛶🥨", []).rules.length);
});

test("a short name inside a password does not count as one's own", () => {
  assert(passwordHint("the quick brown fox", ["ed", "Li Xu"]).rules.own);
});

test("a browser is named after itself and its system", () => {
  const chrome = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0 Safari/537.36";
  const table: [string, string][] = [
    [`Mozilla/5.0 (X11; Linux x86_64) ${chrome}`, "Chrome on Linux"],
    [`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${chrome} Edg/141.0`, "Edge on Windows"],
    ["Mozilla/5.0 (Macintosh) Version/19.0 Safari/605.1", "Safari on Mac"],
    [`Mozilla/5.0 (Linux; Android 16) ${chrome}`, "Chrome on Android"],
    ["Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0", "Firefox on Linux"],
    ["curl/8", "Browser on this computer"],
  ];
  for (const [agent, name] of table) assert.equal(deviceName(agent), name);
});
