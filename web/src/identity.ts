// Who a leaf belongs to: the device credential, judged offline by every member. The same structures
// as `securechat_sdk/identity.py`; tests/credential.test.ts holds the bytes both must produce.

import { type Bytes, Reader, concat, copyOf, utf8, uuidToBytes, bytesToUuid, vector } from "./bytes.ts";
import { generatePair } from "./mls/crypto/generate.ts";
import { ED25519 } from "./mls/crypto/signatures.ts";
import { InvalidKey, InvalidSignature } from "./mls/errors.ts";

const VERSION = 1;
const KEY_SIZE = 32;
const SIGNATURE_SIZE = 64;
const DEVICE_BINDING = "SecureChat 1.0 DeviceBinding";
const SESSION_BINDING = "SecureChat 1.0 SessionBinding";
// RFC 8410: what stands before the 32 bytes of an Ed25519 private key in PKCS #8.
const PKCS8_PREFIX = Uint8Array.of(48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32);

export interface DeviceCredential {
  readonly accountId: string;
  readonly deviceId: string;
  readonly identityKey: Bytes;
  readonly signature: Bytes;
}

/** An Ed25519 key pair as raw bytes; it is only ever stored sealed. */
export interface SigningKeys {
  readonly publicKey: Bytes;
  readonly privateKey: Bytes;
}

/** The credential does not say what it must, or nobody signed it. */
export class CredentialRefused extends Error {
  override readonly name = "CredentialRefused";
}

export async function generateSigningKeys(): Promise<SigningKeys> {
  const pair = await generatePair("Ed25519", true, ["sign", "verify"]);
  const pkcs8 = new Uint8Array(await crypto.subtle.exportKey("pkcs8", pair.privateKey));
  const publicKey = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  return { publicKey, privateKey: pkcs8.slice(-KEY_SIZE) };
}

export async function sign(privateKey: Bytes, content: Bytes): Promise<Bytes> {
  const pkcs8 = concat(PKCS8_PREFIX, privateKey);
  const key = await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("Ed25519", key, content));
}

/** Label and content as two vectors, the form of RFC 9420's SignContent. */
function labelled(label: string, content: Bytes): Bytes {
  return concat(vector(utf8(label)), vector(content));
}

function deviceBinding(credential: Omit<DeviceCredential, "signature">, signatureKey: Uint8Array): Bytes {
  return labelled(
    DEVICE_BINDING,
    concat(
      Uint8Array.of(VERSION),
      uuidToBytes(credential.accountId),
      uuidToBytes(credential.deviceId),
      vector(credential.identityKey),
      vector(signatureKey),
    ),
  );
}

/** Binds a device's signature key to an account. */
export async function issueCredential(
  identity: SigningKeys,
  accountId: string,
  deviceId: string,
  signatureKey: Bytes,
): Promise<DeviceCredential> {
  const claims = { accountId, deviceId, identityKey: identity.publicKey };
  const signature = await sign(identity.privateKey, deviceBinding(claims, signatureKey));
  return { ...claims, signature };
}

export function encodeCredential(credential: DeviceCredential): Bytes {
  return concat(
    Uint8Array.of(VERSION),
    uuidToBytes(credential.accountId),
    uuidToBytes(credential.deviceId),
    vector(credential.identityKey),
    vector(credential.signature),
  );
}

/** Reads one; throws `CredentialRefused`. Whether anybody signed it is still to be checked. */
export function parseCredential(identity: Uint8Array): DeviceCredential {
  try {
    const reader = new Reader(identity);
    const version = reader.uint8();
    const accountId = bytesToUuid(reader.take(16));
    const deviceId = bytesToUuid(reader.take(16));
    const identityKey = reader.vector();
    const signature = reader.vector();
    reader.end();
    if (version !== VERSION) throw new RangeError("a version we do not know");
    if (identityKey.length !== KEY_SIZE || signature.length !== SIGNATURE_SIZE) {
      throw new RangeError("a key or signature of the wrong size");
    }
    return { accountId, deviceId, identityKey, signature };
  } catch (error) {
    if (error instanceof RangeError) throw new CredentialRefused(error.message);
    throw error;
  }
}

/** The credential, once its account's identity key is seen to have signed this key; else throws. */
export async function checkCredential(
  identity: Uint8Array,
  signatureKey: Uint8Array,
): Promise<DeviceCredential> {
  const credential = parseCredential(identity);
  const signed = deviceBinding(credential, signatureKey);
  if (!(await isSignedBy(credential.identityKey, credential.signature, signed))) {
    throw new CredentialRefused("the account did not sign this device's key");
  }
  return credential;
}

async function isSignedBy(publicKey: Bytes, signature: Bytes, content: Bytes): Promise<boolean> {
  try {
    await ED25519.verify(publicKey, signature, content);
    return true;
  } catch (error) {
    if (error instanceof InvalidKey || error instanceof InvalidSignature) return false;
    throw error;
  }
}

/** What a device signs to show that this login session sits on it (docs/protocol.md, Devices). */
export async function proveSession(
  authenticationKey: CryptoKey,
  challenge: Uint8Array,
  deviceId: string,
): Promise<Bytes> {
  const content = labelled(SESSION_BINDING, concat(copyOf(challenge), uuidToBytes(deviceId)));
  return new Uint8Array(await crypto.subtle.sign("Ed25519", authenticationKey, content));
}
