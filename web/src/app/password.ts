// A hint, never a gate: the server decides what is too weak.

export const SHORTEST_PASSWORD = 12;

export type Strength = 0 | 1 | 2 | 3 | 4;

export interface PasswordHint {
  strength: Strength;
  rules: { length: boolean; own: boolean; common: boolean };
}

const PATTERNS = [
  /^(.)\1*$/, // one character only
  /^(.{1,4})\1+$/, // a short piece, again and again
  /pass ?w(or|0r)d|passwort|qwert|asdf|letmein|welcome|admin|123456|abcdef|securechat/i,
];

const KINDS = [/[a-z]/, /[A-Z]/, /[0-9]/, /[^A-Za-z0-9]/];
const KIND_SIZE = [26, 26, 10, 33];

export function passwordHint(password: string, own: readonly string[]): PasswordHint {
  const rules = {
    length: [...password].length >= SHORTEST_PASSWORD,
    own: !containsOwn(password, own),
    common: password !== "" && !PATTERNS.some((pattern) => pattern.test(password)),
  };
  return { strength: rules.length && rules.own && rules.common ? scale(bits(password)) : 0, rules };
}

function containsOwn(password: string, own: readonly string[]): boolean {
  const lower = password.toLowerCase();
  return own
    .flatMap((name) => name.toLowerCase().split(/[\s@._-]+/))
    .some((part) => part.length >= 3 && lower.includes(part));
}

/** Roughly: repeated and neighbouring characters add little. */
function bits(password: string): number {
  const alphabet = KINDS.reduce(
    (size, kind, index) => size + (kind.test(password) ? (KIND_SIZE[index] ?? 0) : 0),
    0,
  );
  const letters = [...password];
  const surprising = letters.filter((letter, index) => {
    const before = letters[index - 1];
    return before === undefined || Math.abs(letter.charCodeAt(0) - before.charCodeAt(0)) > 1;
  }).length;
  const varied = Math.min(surprising, new Set(letters).size * 2);
  return varied * Math.log2(Math.max(alphabet, 2));
}

function scale(strength: number): Strength {
  if (strength < 45) return 1;
  if (strength < 60) return 2;
  if (strength < 80) return 3;
  return 4;
}
