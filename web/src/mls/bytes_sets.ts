// Bytes as members of sets and keys of maps, which compare by identity otherwise.

const CHUNK = 4096;

/** A character for each byte, made in one call: a large group has megabytes of hybrid keys. */
export function keyOf(bytes: Uint8Array): string {
  let key = "";
  for (let start = 0; start < bytes.length; start += CHUNK) {
    key += Reflect.apply(String.fromCharCode, null, bytes.subarray(start, start + CHUNK));
  }
  return key;
}

export function allDifferent(values: readonly Uint8Array[]): boolean {
  return new Set(values.map(keyOf)).size === values.length;
}
