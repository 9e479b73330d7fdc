// Pairs of keys from WebCrypto.

const TRIES = 10;

/**
 * As `crypto.subtle.generateKey`, and again when that fails: WebKitGTK's does for keys that begin with a
 * zero byte (measured with 2.50: 11 of 1,500 on Ed25519, 6 of 1,500 on X25519).
 */
export async function generatePair(
  algorithm: "Ed25519" | "X25519",
  extractable: boolean,
  usages: readonly KeyUsage[],
): Promise<CryptoKeyPair> {
  for (let tries = 1; ; tries += 1) {
    try {
      const pair = await crypto.subtle.generateKey(algorithm, extractable, usages);
      if (!("privateKey" in pair)) throw new TypeError(`${algorithm} has pairs of keys`);
      return pair;
    } catch (error) {
      if (tries === TRIES || !(error instanceof DOMException && error.name === "OperationError")) throw error;
    }
  }
}
