// Which identity key belongs to which account: pinned on first sight, kept with the state it came
// with, and never replaced silently.

import { type Bytes, toBase64 } from "../bytes.ts";
import { CredentialRefused, checkCredential } from "../identity.ts";
import type { Records, Unit } from "../store/records.ts";

export class Trust {
  readonly #pinned = new Map<string, string>();
  readonly #seen = new Map<string, string>();
  readonly #changed = new Set<string>();

  static async load(records: Records): Promise<Trust> {
    const trust = new Trust();
    for (const [account, pin] of await records.all("pins")) trust.#pinned.set(account, pin.identityKey);
    return trust;
  }

  /** For the MLS engine: a true chain, and the key we know for this account if we know one. */
  readonly judge = async (identity: Bytes, signatureKey: Bytes): Promise<boolean> => {
    try {
      const credential = await checkCredential(identity, signatureKey);
      return this.#agrees(credential.accountId, toBase64(credential.identityKey));
    } catch (error) {
      if (error instanceof CredentialRefused) return false;
      throw error;
    }
  };

  /** What was seen since the last `forget` becomes pinned together with the state it led to. */
  keep(unit: Unit): void {
    for (const [account, identityKey] of this.#seen) {
      unit.put("pins", account, { identityKey });
      this.#pinned.set(account, identityKey);
    }
    this.#seen.clear();
  }

  /** What led to nothing pins nothing. Answers the accounts whose key was another one. */
  forget(): string[] {
    const changed = [...this.#changed];
    this.#seen.clear();
    this.#changed.clear();
    return changed;
  }

  #agrees(account: string, identityKey: string): boolean {
    const known = this.#pinned.get(account) ?? this.#seen.get(account);
    if (known === undefined) this.#seen.set(account, identityKey);
    if (known === undefined || known === identityKey) return true;
    this.#changed.add(account);
    return false;
  }
}
