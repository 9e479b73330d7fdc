// Making this browser a device of an account, proving later that it is that device, and opening what
// it keeps.

import { ProblemError } from "../api/http.ts";
import { type Bytes, fromBase64, toBase64 } from "../bytes.ts";
import { encodeCredential, generateSigningKeys, issueCredential, proveSession } from "../identity.ts";
import { generatePair } from "../mls/crypto/generate.ts";
import type { DeviceRecord, StorePort } from "../store/port.ts";
import { type IdentityRecord, Records } from "../store/records.ts";
import { Vault, generateLocalKey } from "../store/vault.ts";
import type { BoundDevice, Server } from "./server.ts";

const SELF = "self";
const REGISTRATION = "registration";

/** What is sealed while the server has not answered yet: the account's key must not be lost then. */
interface Registration {
  identity: IdentityRecord;
  authenticationPublicKey: string;
}

export interface Opened {
  deviceId: string;
  identity: IdentityRecord;
  records: Records;
}

function lockedOut(): ProblemError {
  return new ProblemError("locked_out", "The keys of this account are not in this browser.");
}

/** Makes the keys and registers them; asked again after a lost answer it goes on where it was. */
export async function createDevice(
  store: StorePort,
  server: Server,
  options: { personId: string; name: string; challenge: string; beginsAnew: boolean; forgetOld: boolean },
): Promise<string> {
  const { device, registration } = await startedRegistration(store, options);
  const proof = await proveSession(device.authenticationKey, fromBase64(options.challenge), device.deviceId);
  const { identity } = registration;
  const body = {
    id: device.deviceId,
    name: options.name,
    signature_key: identity.signaturePublicKey,
    credential: identity.credential,
    authentication_key: registration.authenticationPublicKey,
    proof: toBase64(proof),
    begins_anew: options.beginsAnew,
  };
  try {
    await finish(store, device, registration, await server.registerDevice(body));
  } catch (error) {
    if (!(error instanceof ProblemError) || error.status === 0) throw error;
    const bound = await alreadyBound(server, device.deviceId);
    if (bound === null) throw error;
    await finish(store, device, registration, bound);
  }
  return device.deviceId;
}

/** The refused registration may be one that had worked, with an answer that was lost. */
async function alreadyBound(server: Server, deviceId: string): Promise<BoundDevice | null> {
  try {
    const bound = await server.boundDevice();
    return bound.device.id === deviceId ? bound : null;
  } catch (error) {
    if (error instanceof ProblemError) return null;
    throw error;
  }
}

async function startedRegistration(
  store: StorePort,
  { personId, forgetOld }: { personId: string; forgetOld: boolean },
): Promise<{ device: DeviceRecord; registration: Registration }> {
  const started = await store.device();
  if (started?.registration) {
    return { device: started, registration: await openRegistration(started, started.registration) };
  }
  if (started) {
    // The server says that it does not know it; only the person can say that it may be forgotten.
    if (!forgetOld) throw new ProblemError("old_keys_here", "This browser holds an earlier device.");
    await store.clear();
  }
  return startRegistration(store, personId);
}

async function openRegistration(device: DeviceRecord, sealed: Bytes): Promise<Registration> {
  const vault = await Vault.forRegistration(device.localKey);
  return (await vault.open(REGISTRATION, device.deviceId, sealed)) as Registration; // sealed below
}

async function startRegistration(store: StorePort, personId: string) {
  const deviceId = crypto.randomUUID();
  const identityKeys = await generateSigningKeys();
  const signatureKeys = await generateSigningKeys();
  const credential = await issueCredential(identityKeys, personId, deviceId, signatureKeys.publicKey);
  const authentication = await generatePair("Ed25519", false, ["sign", "verify"]);
  const authenticationPublicKey = await crypto.subtle.exportKey("raw", authentication.publicKey);
  const registration: Registration = {
    identity: {
      identityPublicKey: toBase64(identityKeys.publicKey),
      identityPrivateKey: toBase64(identityKeys.privateKey),
      signaturePublicKey: toBase64(signatureKeys.publicKey),
      signaturePrivateKey: toBase64(signatureKeys.privateKey),
      credential: toBase64(encodeCredential(credential)),
    },
    authenticationPublicKey: toBase64(new Uint8Array(authenticationPublicKey)),
  };
  const localKey = await generateLocalKey();
  const vault = await Vault.forRegistration(localKey);
  const device: DeviceRecord = {
    personId,
    deviceId,
    localKey,
    authenticationKey: authentication.privateKey,
    registration: await vault.seal(REGISTRATION, deviceId, registration),
  };
  await store.saveDevice(device);
  return { device, registration };
}

/** The share is here: the keys move into the vault it opens. */
async function finish(
  store: StorePort,
  device: DeviceRecord,
  registration: Registration,
  bound: BoundDevice,
): Promise<void> {
  const records = await recordsOf(store, device, bound);
  const { identity } = registration;
  await records
    .unit()
    .put("identity", SELF, identity)
    .put("pins", device.personId, { identityKey: identity.identityPublicKey })
    .commit();
  await store.saveDevice({ ...device, registration: null });
}

/** Remembers which incarnation of the server everything here was compared with. */
export async function keepIncarnation(records: Records, incarnation: string): Promise<void> {
  const identity = await records.get("identity", SELF);
  if (identity) await records.unit().put("identity", SELF, { ...identity, incarnation }).commit("relaxed");
}

/** Null: none was seen yet. */
export async function knownIncarnation(records: Records): Promise<string | null> {
  return (await records.get("identity", SELF))?.incarnation ?? null;
}

async function recordsOf(store: StorePort, device: DeviceRecord, bound: BoundDevice): Promise<Records> {
  if (bound.device.id !== device.deviceId) throw lockedOut();
  return new Records(store, await Vault.unlock(device.localKey, fromBase64(bound.unlock_share)));
}

/** Shows the server that this login session sits on this device. */
export async function bindDevice(store: StorePort, server: Server, challenge: string): Promise<string> {
  const device = await store.device();
  if (!device) throw lockedOut();
  const proof = await proveSession(device.authenticationKey, fromBase64(challenge), device.deviceId);
  await server.bindDevice(device.deviceId, toBase64(proof));
  return device.deviceId;
}

/** Opens the vault with the share the server gives to a session on this device. */
export async function unlock(store: StorePort, server: Server): Promise<Opened> {
  const device = await store.device();
  if (!device) throw lockedOut();
  const bound = await server.boundDevice();
  if (device.registration) {
    await finish(store, device, await openRegistration(device, device.registration), bound);
  }
  const records = await recordsOf(store, device, bound);
  const identity = await records.get("identity", SELF);
  if (!identity) throw lockedOut();
  return { deviceId: device.deviceId, identity, records };
}
