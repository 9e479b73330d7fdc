// Written by `python -m securechat_sdk.wire typescript`; do not edit.

/** Bytes travel as standard base64 with padding (RFC 4648 section 4). */
export type Base64 = string;
/** A UUID in its canonical form: lower case, with hyphens. */
export type Uuid = string;
/** A moment in RFC 3339, in UTC. */
export type Timestamp = string;

export const MAX_FRAME_BYTES = 1048576;
export const MAX_MESSAGE_BYTES = 131072;
export const MAX_HANDSHAKE_BYTES = 524288;
export const MAX_GROUP_INFO_BYTES = 16384;
export const MAX_EPHEMERAL_BYTES = 512;
export const MIN_LIFETIME = 10;
export const MAX_LIFETIME = 31622400;
export const MAX_TEXT_CHARACTERS = 16000;
export const MAX_NAME_CHARACTERS = 100;
export const MAX_FILE_NAME_CHARACTERS = 255;
export const MAX_MEDIA_TYPE_CHARACTERS = 100;
export const MAX_EMOJI_CHARACTERS = 16;
export const MAX_KEPT_SECONDS = 316224000;
export const PADDED_SIZES = [256, 1024, 4096, 16384, 65536] as const;

/** What a place in the log holds. */
export type EntryKind = "message" | "commit" | "proposal";

/** Why the server closed a socket (RFC 6455 section 7.4; 4000 and above are ours). */
export const CloseCode = {
  INVALID_FRAME: 4400,
  NOT_AUTHENTICATED: 4401,
  TOO_SLOW: 4408,
  DEVICE_REVOKED: 4410,
  TOO_MANY_SOCKETS: 4429,
  TOO_LARGE: 1009,
} as const;
export type CloseCode = (typeof CloseCode)[keyof typeof CloseCode];

/** Append an MLS PrivateMessage to a conversation. Idempotent by `message_id`.
 * 
 * After `lifetime` seconds the server erases the ciphertext; its place in the log stays. */
export interface SendMessage {
  readonly type: "send_message";
  readonly request_id: number;
  readonly conversation_id: Uuid;
  readonly message_id: Uuid;
  readonly ciphertext: Base64;
  readonly lifetime?: number | null;
}

/** Move a conversation to its next epoch; of all who try, one wins. Idempotent.
 * 
 * `group_info` describes the new epoch, without its tree. */
export interface SubmitCommit {
  readonly type: "submit_commit";
  readonly request_id: number;
  readonly conversation_id: Uuid;
  readonly message_id: Uuid;
  readonly commit: Base64;
  readonly group_info: Base64;
  readonly welcome?: Base64 | null;
}

/** Leave a group: propose the removal of the own leaf, for another member to commit. */
export interface SubmitProposal {
  readonly type: "submit_proposal";
  readonly request_id: number;
  readonly conversation_id: Uuid;
  readonly message_id: Uuid;
  readonly proposal: Base64;
}

/** Say that this device has stored everything up to `position`. */
export interface MarkDelivered {
  readonly type: "mark_delivered";
  readonly request_id: number;
  readonly conversation_id: Uuid;
  readonly position: number;
}

/** Say something in passing, such as that somebody types: it is not stored, and may be lost.
 * 
 * `data` is sealed as docs/protocol.md says. `accepted` has position 0: it has no place. */
export interface SendEphemeral {
  readonly type: "send_ephemeral";
  readonly request_id: number;
  readonly conversation_id: Uuid;
  readonly epoch: number;
  readonly data: Base64;
}

/** The command is durable. `position` is its place in the log (or the cursor it set). */
export interface Accepted {
  readonly type: "accepted";
  readonly request_id: number;
  readonly position: number;
}

/** The command changed nothing. `facts` hold what the code needs, such as the epoch. */
export interface Refused {
  readonly type: "refused";
  readonly request_id: number | null;
  readonly code: string;
  readonly detail: string;
  readonly facts: { readonly [name: string]: string | number | null };
}

/** The socket is open for this device; now catch up from the stored positions.
 * 
 * Another `incarnation` than before: the server was restored from a backup, and has lost what
 * it acknowledged since. */
export interface Ready {
  readonly type: "ready";
  readonly device_id: Uuid;
  readonly incarnation: Uuid;
}

/** A place in a conversation's log was taken; the same shape as an entry over HTTP.
 * 
 * Without a sender it is the server's proposal to remove a device that was revoked. A message
 * without data is one whose time was over before this device fetched it. */
export interface EntryAppended {
  readonly type: "entry_appended";
  readonly conversation_id: Uuid;
  readonly position: number;
  readonly kind: EntryKind;
  readonly epoch: number;
  readonly sender_device_id: Uuid | null;
  readonly message_id: Uuid;
  readonly created_at: Timestamp;
  readonly data: Base64;
}

/** The device was added to a conversation by the commit at `position`: read the Welcomes.
 * 
 * One event may stand for several. */
export interface WelcomeArrived {
  readonly type: "welcome_arrived";
  readonly welcome_id: Uuid;
  readonly conversation_id: Uuid;
  readonly position: number;
  readonly epoch: number;
}

/** Another device of the conversation has stored everything up to `position`. */
export interface DeliveryAdvanced {
  readonly type: "delivery_advanced";
  readonly conversation_id: Uuid;
  readonly device_id: Uuid;
  readonly position: number;
}

/** Few key packages of this device are left; upload more. */
export interface KeyPackagesLow {
  readonly type: "key_packages_low";
  readonly available: number;
}

/** Another device of the conversation says something in passing. */
export interface EphemeralArrived {
  readonly type: "ephemeral_arrived";
  readonly conversation_id: Uuid;
  readonly epoch: number;
  readonly sender_device_id: Uuid;
  readonly data: Base64;
}

/** A device says that it could not apply the commit at `position`. May come again. */
export interface FailureReported {
  readonly type: "failure_reported";
  readonly conversation_id: Uuid;
  readonly position: number;
  readonly sender_device_id: Uuid;
  readonly device_id: Uuid;
}

/** Something a person wrote. */
export interface Text {
  readonly type: "text";
  readonly v?: number;
  readonly text: string;
  readonly lifetime?: number | null;
  readonly reply_to?: number | null;
}

/** What somebody feels about a message, in place of what they felt before; null: nothing. */
export interface Reaction {
  readonly type: "reaction";
  readonly v?: number;
  readonly about: number;
  readonly emoji: string | null;
}

/** The sender wrote something else there; of anybody else it is nothing. */
export interface Edited {
  readonly type: "edited";
  readonly v?: number;
  readonly about: number;
  readonly text: string;
  readonly lifetime?: number | null;
}

/** The sender takes back what they wrote there; of anybody else it is nothing. */
export interface Deleted {
  readonly type: "deleted";
  readonly v?: number;
  readonly about: number;
}

/** The name of the conversation from here on. */
export interface ConversationNamed {
  readonly type: "conversation_named";
  readonly v?: number;
  readonly name: string;
}

/** For how long messages are kept from here on; null: nobody limits it. */
export interface LifetimeSet {
  readonly type: "lifetime_set";
  readonly v?: number;
  readonly lifetime: number | null;
}

/** A file that was uploaded beside the log, with what opens it. Never printed. */
export interface SharedFile {
  readonly type: "file";
  readonly v?: number;
  readonly attachment_id: Uuid;
  readonly name: string;
  readonly media_type: string;
  readonly size: number;
  readonly key: Base64;
  readonly sha256: Base64;
  readonly lifetime?: number | null;
}

/** What binds a ciphertext to its place: compared with the entry after decryption. */
export interface Envelope {
  readonly conversation_id: Uuid;
  readonly message_id: Uuid;
  readonly sender_device_id: Uuid;
  readonly last_position: number;
}

export type Command =
  | SendMessage
  | SubmitCommit
  | SubmitProposal
  | MarkDelivered
  | SendEphemeral;

export type Answer =
  | Accepted
  | Refused;

export type Event =
  | Ready
  | EntryAppended
  | WelcomeArrived
  | DeliveryAdvanced
  | KeyPackagesLow
  | EphemeralArrived
  | FailureReported;

export type ServerFrame =
  | Accepted
  | Refused
  | Ready
  | EntryAppended
  | WelcomeArrived
  | DeliveryAdvanced
  | KeyPackagesLow
  | EphemeralArrived
  | FailureReported;

export type Content =
  | Text
  | Reaction
  | Edited
  | Deleted
  | ConversationNamed
  | LifetimeSet
  | SharedFile;
