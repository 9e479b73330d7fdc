// Said in passing: that somebody is typing. It is sealed under a secret of the epoch (docs/protocol.md,
// "Said in passing"), stored nowhere, and forgotten after ten seconds. Nothing else may be decided by it.

import { type Bytes, concat, fromBase64, fromUtf8, randomBytes, toBase64, utf8, uuidToBytes } from "../bytes.ts";
import type { EphemeralArrived } from "../wire.ts";
import { isProblem } from "../api/http.ts";
import type { Context } from "./context.ts";
import { type Conversation, isUnfinished } from "./conversation.ts";

const FORGET_AFTER = 10_000;
const SAY_AGAIN_AFTER = 4_000;
const NONCE_BYTES = 12;
const PLAINTEXT_BYTES = 128;

export type Whisper = "typing" | "stopped";

interface Place {
  conversationId: string;
  epoch: number;
  deviceId: string;
}

/** HKDF-Expand of one block (RFC 5869 section 2.3), which is all that 32 bytes take. */
async function keyFor(secret: Bytes, deviceId: string): Promise<CryptoKey> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const hmac = await crypto.subtle.importKey("raw", secret, algorithm, false, ["sign"]);
  const block = await crypto.subtle.sign("HMAC", hmac, concat(uuidToBytes(deviceId), new Uint8Array([1])));
  return crypto.subtle.importKey("raw", block, "AES-GCM", false, ["encrypt", "decrypt"]);
}

function aesGcm(iv: Bytes, { conversationId, epoch, deviceId }: Place) {
  const number = new Uint8Array(8);
  new DataView(number.buffer).setBigUint64(0, BigInt(epoch));
  const additionalData = concat(uuidToBytes(conversationId), number, uuidToBytes(deviceId));
  return { name: "AES-GCM", iv, additionalData };
}

export async function seal(secret: Bytes, place: Place, said: { type: Whisper; at: number }): Promise<Bytes> {
  const plaintext = new Uint8Array(PLAINTEXT_BYTES);
  plaintext.set(utf8(JSON.stringify({ v: 1, ...said })));
  const nonce = randomBytes(NONCE_BYTES);
  const key = await keyFor(secret, place.deviceId);
  return concat(nonce, new Uint8Array(await crypto.subtle.encrypt(aesGcm(nonce, place), key, plaintext)));
}

/** Null when it does not open, or says something else. */
export async function open(secret: Bytes, place: Place, data: Bytes): Promise<{ type: string; at: number } | null> {
  try {
    const key = await keyFor(secret, place.deviceId);
    const algorithm = aesGcm(data.slice(0, NONCE_BYTES), place);
    const plaintext = new Uint8Array(await crypto.subtle.decrypt(algorithm, key, data.slice(NONCE_BYTES)));
    const { type, at } = JSON.parse(fromUtf8(plaintext).replace(/\0*$/, "")) as Record<string, unknown>;
    return typeof type === "string" && Number.isSafeInteger(at) ? { type, at: at as number } : null;
  } catch {
    return null; // whatever is wrong with it, nobody said it
  }
}

export interface WhispersOptions {
  context: Context;
  /** These others are typing in the conversation now, by their names. */
  told(conversationId: string, names: readonly string[]): void;
}

export class Whispers {
  readonly #options: WhispersOptions;
  readonly #context: Context;
  /** Until when: who types, by conversation and device. */
  readonly #typing = new Map<string, Map<string, { personId: string; timer: ReturnType<typeof setTimeout> }>>();
  /** When each device last said something: what is older was said before, and is played again. */
  readonly #heardAt = new Map<string, number>();
  readonly #saidAt = new Map<string, number>();
  #isAllowed = true;

  constructor(options: WhispersOptions) {
    this.#options = options;
    this.#context = options.context;
    this.#context.closed.addEventListener("abort", () => this.#forgetAll());
  }

  /** Another connection: the server may allow it now. */
  reset(): void {
    this.#isAllowed = true;
  }

  /** Tells the others, not more often than they need to hear it. */
  async say(conversation: Conversation, type: Whisper): Promise<void> {
    const { connection, me, now } = this.#context;
    const saidAt = this.#saidAt.get(conversation.id);
    const isNews = type === "typing" ? now() - (saidAt ?? -Infinity) >= SAY_AGAIN_AFTER : saidAt !== undefined;
    if (!isNews || !this.#isAllowed || !connection.isReady || !conversation.isWritable) return;
    const group = await conversation.group();
    if (isUnfinished(conversation, group) || group.leaving.length > 0) return; // who is to go still has the secret
    if (type === "typing") this.#saidAt.set(conversation.id, now());
    else this.#saidAt.delete(conversation.id);
    const place = { conversationId: conversation.id, epoch: group.epoch, deviceId: me.deviceId };
    const data = toBase64(await seal(group.passingSecret(), place, { type, at: now() }));
    try {
      await connection.command({ type: "send_ephemeral", conversation_id: conversation.id, epoch: group.epoch, data });
    } catch (error) {
      if (isProblem(error, "ephemeral_disabled")) this.#isAllowed = false;
      throw error;
    }
  }

  /** A message says more than that it is being typed. */
  sent(conversationId: string): void {
    this.#saidAt.delete(conversationId);
  }

  async hear(conversation: Conversation, event: EphemeralArrived): Promise<void> {
    const { me } = this.#context;
    const { sender_device_id: deviceId, epoch } = event;
    const group = await conversation.group();
    const sender = group.members.find((member) => member.deviceId === deviceId);
    if (epoch !== group.epoch || sender === undefined || sender.accountId === me.personId) return;
    const place = { conversationId: conversation.id, epoch, deviceId };
    const said = await open(group.passingSecret(), place, fromBase64(event.data));
    const last = `${conversation.id} ${deviceId}`;
    if (said === null || said.at <= (this.#heardAt.get(last) ?? -Infinity)) return;
    this.#heardAt.set(last, said.at);
    if (said.type === "typing") await this.#begins(conversation.id, deviceId, sender.accountId);
    if (said.type === "stopped") this.stops(conversation.id, deviceId);
  }

  /** It has sent what it typed, or typed no further. */
  stops(conversationId: string, deviceId: string): void {
    const typing = this.#typing.get(conversationId);
    const known = typing?.get(deviceId);
    if (!typing || !known) return;
    clearTimeout(known.timer);
    typing.delete(deviceId);
    this.#tell(conversationId);
  }

  async #begins(conversationId: string, deviceId: string, personId: string): Promise<void> {
    await this.#context.people.ensure([personId]);
    const typing = this.#typing.get(conversationId) ?? new Map();
    this.#typing.set(conversationId, typing);
    clearTimeout(typing.get(deviceId)?.timer);
    const timer = setTimeout(() => this.stops(conversationId, deviceId), FORGET_AFTER);
    typing.set(deviceId, { personId, timer });
    this.#tell(conversationId);
  }

  #tell(conversationId: string): void {
    const people = [...(this.#typing.get(conversationId)?.values() ?? [])].map(({ personId }) => personId);
    const names = [...new Set(people)].map((id) => this.#context.people.name(id));
    if (!this.#context.closed.aborted) this.#options.told(conversationId, names);
  }

  #forgetAll(): void {
    for (const typing of this.#typing.values()) for (const { timer } of typing.values()) clearTimeout(timer);
  }
}
