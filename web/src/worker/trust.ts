// Which identity key belongs to which account: pinned on first sight, kept with the state it came
// with, and never replaced silently.

import { type Bytes, toBase64 } from "../bytes.ts";
import { CredentialRefused, type DeviceCredential, checkCredential, parseCredential } from "../identity.ts";
import type { Judge, Rules } from "../mls-engine.ts";
import type { Records, Unit } from "../store/records.ts";

export class Trust {
  readonly #pinned = new Map<string, string>();

  static async load(records: Records): Promise<Trust> {
    const trust = new Trust();
    for (const [account, pin] of await records.all("pins")) trust.#pinned.set(account, pin.identityKey);
    return trust;
  }

  /** A person said that this is the account's key from now on. */
  accept(unit: Unit, account: string, identityKey: string): void {
    unit.put("pins", account, { identityKey });
    this.#pinned.set(account, identityKey);
  }

  /** For one operation: what it sees is its own, and pins nothing until it is kept. */
  look(): Sight {
    return new Sight(this.#pinned);
  }

  /** As `look`, for a group that is entered only to be left: a changed key is noted and let pass. */
  lookAside(): Sight {
    return new Sight(this.#pinned, true);
  }
}

export class Sight {
  readonly #pinned: Map<string, string>;
  readonly #letsPass: boolean;
  readonly #seen = new Map<string, string>();
  readonly #changed = new Map<string, string>();

  constructor(pinned: Map<string, string>, letsPass = false) {
    this.#pinned = pinned;
    this.#letsPass = letsPass;
  }

  /** The rules for what the server took at that time, in milliseconds since 1970. */
  at(time: number): Rules {
    return { judge: this.judge, now: Math.floor(time / 1000) };
  }

  /** The accounts whose key was not the one we know. */
  get changed(): readonly string[] {
    return [...this.#changed.keys()];
  }

  /** The key under which an account was seen instead of the one we know, in base64. */
  newKeyOf(account: string): string | null {
    return this.#changed.get(account) ?? null;
  }

  /** For the MLS engine: a true chain, the key we know if we know one, and no change of who it is. */
  readonly judge: Judge = async (identity, signatureKey, before) => {
    const credential = await checkCredential(identity, signatureKey);
    if (before !== null) checkSucceeds(credential, before);
    this.#compare(credential.accountId, toBase64(credential.identityKey));
  };

  /** What was seen becomes pinned together with the state it led to. */
  keep(unit: Unit): void {
    for (const [account, identityKey] of this.#seen) {
      const known = this.#pinned.get(account);
      if (known !== undefined && known !== identityKey) throw new CredentialRefused("another key was pinned meanwhile");
      unit.put("pins", account, { identityKey });
      this.#pinned.set(account, identityKey);
    }
  }

  #compare(account: string, identityKey: string): void {
    const known = this.#pinned.get(account) ?? this.#seen.get(account);
    if (known === undefined) this.#seen.set(account, identityKey);
    if (known === undefined || known === identityKey) return;
    this.#changed.set(account, identityKey);
    if (!this.#letsPass) throw new CredentialRefused("another identity key than the one that is known");
  }
}

/** RFC 9420 section 5.3.1: a leaf may change its key, and never whose it is. */
function checkSucceeds(credential: DeviceCredential, before: Bytes): void {
  const old = parseCredential(before);
  const isSame =
    old.accountId === credential.accountId &&
    old.deviceId === credential.deviceId &&
    toBase64(old.identityKey) === toBase64(credential.identityKey);
  if (!isSame) throw new CredentialRefused("a leaf that becomes somebody else's");
}
