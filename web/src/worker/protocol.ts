// What the pages and the engine say to each other. The engine (keys, MLS, log, history) lives in
// one Worker per browser; pages never see a key. Every tab speaks these types; only one Worker at a
// time holds the Web Lock and does the work.

export interface Problem {
  /** The stable code of docs/protocol.md, or one of ours: offline, locked_out, engine_failed. */
  code: string;
  detail: string;
  /** What stands beside the code, such as `person_id`. */
  facts?: Readonly<Record<string, unknown>>;
}

export type Connection = "offline" | "connecting" | "online";

export interface ConversationSummary {
  id: string;
  kind: "direct" | "group";
  /** The name people gave it, or the other person's name. */
  title: string;
  /** Everyone in it but me. */
  personIds: string[];
  lastMessage: { text: string; at: string; mine: boolean } | null;
  unread: number;
  /**
   * `leaving`: asked for, and to be committed by another device. `left`: read-only from now on.
   * `broken`: a change could not be verified; `rejoin` is the way back. `notice` says why in plain words.
   */
  state: "open" | "joining" | "leaving" | "left" | "broken";
  notice: string | null;
  /** What this person has begun to write here, as it was last kept. */
  draft: string;
  /** After how many seconds messages written here disappear, as people here want it; null: never. */
  lifetime: number | null;
  /** The longest that the organisation, or the server, lets any message here last; null: without end. */
  longest: number | null;
}

export interface Snapshot {
  phase: "closed" | "opening" | "ready" | "failed";
  failure: Problem | null;
  connection: Connection;
  me: { personId: string; deviceId: string } | null;
  /** Newest activity first. */
  conversations: ConversationSummary[];
}

export type DeliveryState = "sending" | "sent" | "delivered" | "failed";

/** What is shown of a file; what opens it stays with the engine. */
export interface FileView {
  name: string;
  mediaType: string;
  size: number;
}

/** A file on its way up; its message comes when all of it is there. */
export interface UploadView {
  id: string;
  conversationId: string;
  name: string;
  size: number;
  /** `waiting`: for the network; it goes on by itself. */
  state: "encrypting" | "uploading" | "waiting" | "failed";
  /** From 0 to 1. */
  part: number;
  problem: Problem | null;
  /** Otherwise the file has to be chosen again. */
  canRetry: boolean;
}

/** A file on its way down. `failed` without a problem: somebody has cancelled it. */
export interface DownloadView {
  messageId: string;
  state: "running" | "done" | "failed";
  /** From 0 to 1. */
  part: number;
  file: Blob | null;
  problem: Problem | null;
}

export const MOST_QUOTED_CHARACTERS = 140;

/** The beginning of a message that another one answers; without an id it is not here any more. */
export interface Quote {
  id: string | null;
  /** Empty: one's own. */
  senderName: string;
  text: string;
}

/** Who feels so about a message. */
export interface ReactionView {
  emoji: string;
  names: string[];
  mine: boolean;
}

export interface MessageView {
  id: string;
  conversationId: string;
  /** Null until the server has accepted it. */
  position: number | null;
  kind: "text" | "file" | "notice";
  senderId: string;
  senderName: string;
  mine: boolean;
  /** Of a file its name. */
  text: string;
  file: FileView | null;
  at: string;
  /** Only of own messages. */
  delivery: DeliveryState | null;
  problem: Problem | null;
  /** Why a change of it that was made here could not be sent to the others. */
  unsent: Problem | null;
  /** What it answers. */
  reply: Quote | null;
  /** Its sender has changed it. */
  isEdited: boolean;
  reactions: ReactionView[];
  /** When it disappears; null: never, or not known before it is sent. */
  until: string | null;
}

/** A message with the words that somebody looked for. */
export interface FoundMessage {
  id: string;
  conversationId: string;
  senderName: string;
  mine: boolean;
  /** The part of it where the words are. */
  text: string;
  at: string;
}

export interface Found {
  /** Newest first. */
  messages: FoundMessage[];
  /** There are no others. */
  isWhole: boolean;
}

/** Method name -> [arguments, answer]. A refused call rejects with a Problem. */
export interface Requests {
  /** Does this browser hold the keys of a device of this person? */
  deviceHere: [{ personId: string }, { deviceId: string } | null];
  /**
   * State `no_device`: make keys, register this browser, upload key packages, open. In the state
   * `no_device_left` only with `beginsAnew`: the account gets another identity key. Refused with
   * `old_keys_here` while it holds an earlier device, unless a person said `forgetOld`.
   */
  createDevice: [
    { personId: string; name: string; challenge: string; beginsAnew: boolean; forgetOld: boolean },
    { deviceId: string },
  ];
  /** State `unknown_device`: prove to the server that this browser is that device, then open. */
  bindDevice: [{ personId: string; challenge: string }, { deviceId: string }];
  /** State `ready`: open the stored keys and history and connect. */
  open: [{ personId: string }, null];
  /** After logging out: close, forget what is in memory; the encrypted store stays. */
  close: [Record<string, never>, null];
  startDirect: [{ personId: string }, { conversationId: string }];
  createGroup: [{ name: string; personIds: string[] }, { conversationId: string }];
  addPeople: [{ conversationId: string; personIds: string[] }, null];
  removePerson: [{ conversationId: string; personId: string }, null];
  leaveConversation: [{ conversationId: string }, null];
  /** Of a broken conversation: take this device's place in the group again, as it is now. */
  rejoin: [{ conversationId: string }, null];
  /** The person knows that this is the other's new identity key (base64). */
  acceptKey: [{ personId: string; identityKey: string }, null];
  dismissNotice: [{ conversationId: string }, null];
  /** `replyTo` is the id of a message that has its position. */
  sendText: [{ conversationId: string; text: string; replyTo?: string | null }, { messageId: string }];
  /** Of a group; any of its people may. */
  rename: [{ conversationId: string; name: string }, null];
  /** Kept, sealed like messages, until it is sent or its person logs out. */
  keepDraft: [{ conversationId: string; text: string }, null];
  /** Of all conversations, by whoever logs out. */
  forgetDrafts: [Record<string, never>, null];
  /** In place of what this person felt before; null takes that back. */
  react: [{ conversationId: string; messageId: string; emoji: string | null }, null];
  /** Changes an own text everywhere. */
  editMessage: [{ conversationId: string; messageId: string; text: string }, null];
  /** Takes back an own message everywhere. */
  deleteMessage: [{ conversationId: string; messageId: string }, null];
  /** That the person is typing here, or stopped before anything was sent. As often as it is true. */
  whisper: [{ conversationId: string; type: "typing" | "stopped" }, null];
  setLifetime: [{ conversationId: string; lifetime: number | null }, null];
  retry: [{ conversationId: string; messageId: string }, null];
  /** Drops an own message that failed; answers its text, so that it can be edited. */
  discard: [{ conversationId: string; messageId: string }, { text: string }];
  /** Oldest first; `before` is the id of the oldest message shown, or null for the newest. */
  messages: [
    { conversationId: string; before: string | null; limit: number },
    { messages: MessageView[]; more: boolean },
  ];
  /** In what this device has kept; a later search ends the one before. */
  search: [{ query: string }, Found];
  markSeen: [{ conversationId: string }, null];
  /** How large a file may be. */
  fileLimit: [Record<string, never>, { maxBytes: number }];
  /** Answers once the file is encrypted and may go away; how it goes on is told. */
  sendFile: [{ conversationId: string; file: File }, { uploadId: string }];
  uploads: [Record<string, never>, UploadView[]];
  retryUpload: [{ uploadId: string }, null];
  cancelUpload: [{ uploadId: string }, null];
  /** Answers at once; how it goes is told, and the file itself at the end. */
  download: [{ messageId: string }, null];
  cancelDownload: [{ messageId: string }, null];
}

export type Method = keyof Requests;

export type Notification =
  | { type: "snapshot"; snapshot: Snapshot }
  /** New or changed messages; a page shows those of the conversation that is open. */
  | { type: "messages"; conversationId: string; messages: MessageView[] }
  /** Who else is typing there now. */
  | { type: "typing"; conversationId: string; names: readonly string[] }
  /** Discarded, or their time was over. */
  | { type: "gone"; conversationId: string; messageIds: readonly string[] }
  /** All that are on their way up. */
  | { type: "uploads"; uploads: UploadView[] }
  | { type: "download"; download: DownloadView };

/** What `engine-client.ts` offers the pages. */
export interface Engine {
  call<M extends Method>(method: M, args: Requests[M][0]): Promise<Requests[M][1]>;
  subscribe(listener: (notification: Notification) => void): () => void;
}
