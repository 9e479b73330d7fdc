// Bytes as members of sets and keys of maps, which compare by identity otherwise.

export function keyOf(bytes: Uint8Array): string {
  let key = "";
  for (const byte of bytes) key += String.fromCharCode(byte);
  return key;
}

export function allDifferent(values: readonly Uint8Array[]): boolean {
  return new Set(values.map(keyOf)).size === values.length;
}
