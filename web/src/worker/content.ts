// What is inside a message, and the envelope that binds it to its place (docs/protocol.md, "What
// is inside a message"). Both are JSON; everything read here came from somebody else.

import { type Bytes, fromUtf8, utf8 } from "../bytes.ts";
import {
  type Content,
  type Envelope,
  MAX_EMOJI_CHARACTERS,
  MAX_FILE_NAME_CHARACTERS,
  MAX_KEPT_SECONDS,
  MAX_MEDIA_TYPE_CHARACTERS,
  MAX_NAME_CHARACTERS,
  MAX_TEXT_CHARACTERS,
  MIN_LIFETIME,
  type SharedFile,
} from "../wire.ts";
import type { Entry } from "./server.ts";

/** The message does not belong where the server says it stands, or is not of a known form. */
export class ContentRefused extends Error {
  override readonly name = "ContentRefused";
}

const ENVELOPE_FIELDS = ["conversation_id", "message_id", "sender_device_id", "last_position"] as const;

function recordIn(bytes: Bytes): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(fromUtf8(bytes));
  } catch (cause) {
    throw new ContentRefused("not JSON", { cause });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ContentRefused("not an object");
  }
  return value as Record<string, unknown>;
}

export function encodeEnvelope(envelope: Envelope): Bytes {
  return utf8(JSON.stringify(envelope));
}

/** Whoever signed it, the server says the same; null is the server itself. */
export function checkSaidBy(
  deviceId: string | null,
  authenticatedData: Bytes,
  entry: Entry,
): void {
  if (deviceId !== entry.sender_device_id) throw new ContentRefused("of another device");
  if (deviceId !== null && authenticatedData.length > 0) checkEnvelope(authenticatedData, entry, deviceId);
}

export function checkEnvelope(authenticatedData: Bytes, entry: Entry, senderDeviceId: string): void {
  const envelope = recordIn(authenticatedData);
  const names = Object.keys(envelope);
  if (names.length !== ENVELOPE_FIELDS.length || !ENVELOPE_FIELDS.every((name) => name in envelope)) {
    throw new ContentRefused("an envelope of another form");
  }
  if (senderDeviceId !== entry.sender_device_id) throw new ContentRefused("of another device");
  for (const name of ["conversation_id", "message_id", "sender_device_id"] as const) {
    if (envelope[name] !== entry[name]) throw new ContentRefused(`the envelope has another ${name}`);
  }
  const last = envelope["last_position"];
  if (!Number.isSafeInteger(last) || (last as number) < 0 || (last as number) >= entry.position) {
    throw new ContentRefused("the envelope has seen what comes after it");
  }
}

export function encodeContent(content: Content): Bytes {
  return utf8(JSON.stringify({ v: 1, ...content }));
}

/** Null when it is of a type this client does not know. */
export function parseContent(plaintext: Bytes): Content | null {
  const content = recordIn(plaintext);
  switch (content["type"]) {
    case "text":
      return { type: "text", text: bounded(content["text"], MAX_TEXT_CHARACTERS), ...limitIn(content), ...replyIn(content) };
    case "reaction":
      return { type: "reaction", about: positionIn(content["about"]), emoji: emojiIn(content["emoji"]) };
    case "edited": {
      const text = bounded(content["text"], MAX_TEXT_CHARACTERS);
      return { type: "edited", about: positionIn(content["about"]), text, ...limitIn(content) };
    }
    case "deleted":
      return { type: "deleted", about: positionIn(content["about"]) };
    case "conversation_named":
      return { type: "conversation_named", name: bounded(content["name"], MAX_NAME_CHARACTERS) };
    case "lifetime_set":
      if (!("lifetime" in content)) throw new ContentRefused("no lifetime");
      return { type: "lifetime_set", lifetime: null, ...limitIn(content) };
    case "file":
      return sharedFile(content);
    default:
      return null;
  }
}

/** A name, not a path; and nothing that turns the direction of writing, so that it ends as it looks. */
const FILE_NAME = /^[^/\\\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]+$/;
const MEDIA_TYPE = /^[a-z0-9!#$&^_.+-]+\/[a-z0-9!#$&^_.+-]+$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const BASE64_OF_32 = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/;

function sharedFile(content: Record<string, unknown>): SharedFile {
  const { size } = content;
  if (!Number.isSafeInteger(size) || (size as number) < 0) throw new ContentRefused("no size");
  return {
    type: "file",
    attachment_id: matching(content["attachment_id"], UUID),
    name: bounded(matching(content["name"], FILE_NAME), MAX_FILE_NAME_CHARACTERS),
    media_type: bounded(matching(content["media_type"], MEDIA_TYPE), MAX_MEDIA_TYPE_CHARACTERS),
    size: size as number, // checked above
    key: matching(content["key"], BASE64_OF_32),
    sha256: matching(content["sha256"], BASE64_OF_32),
    ...limitIn(content),
  };
}

function replyIn({ reply_to }: Record<string, unknown>): { reply_to?: number } {
  return reply_to === undefined || reply_to === null ? {} : { reply_to: positionIn(reply_to) };
}

function positionIn(value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 1) throw new ContentRefused("no position");
  return value as number; // checked above
}

function emojiIn(value: unknown): string | null {
  return value === null ? null : bounded(value, MAX_EMOJI_CHARACTERS);
}

function limitIn({ lifetime }: Record<string, unknown>): { lifetime?: number } {
  if (lifetime === undefined || lifetime === null) return {};
  if (!isLifetime(lifetime)) throw new ContentRefused("no such lifetime");
  return { lifetime };
}

/** Seconds for which a message may be kept. */
export function isLifetime(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= MIN_LIFETIME && (value as number) <= MAX_KEPT_SECONDS;
}

function matching(value: unknown, form: RegExp): string {
  if (typeof value !== "string" || !form.test(value)) throw new ContentRefused("of another form");
  return value;
}

export function characters(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

function bounded(value: unknown, most: number): string {
  if (typeof value !== "string" || value === "") throw new ContentRefused("no text");
  if (value.length > most && characters(value) > most) throw new ContentRefused("too long");
  return value;
}
