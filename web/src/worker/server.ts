// What the engine asks of the server, and the one implementation that asks over HTTP and a
// WebSocket. Tests put a relay in memory in its place.

import type { Http } from "../api/http.ts";
import { type FileServer, HttpFileServer } from "../attachments/server.ts";
import type { Command, EntryAppended, FailureReported, ServerFrame, WelcomeArrived } from "../wire.ts";

export type Entry = Omit<EntryAppended, "type">;

export interface WelcomeInfo extends Omit<WelcomeArrived, "type"> {
  welcome: string;
}

/** What the organisation has decided for its groups. */
export interface MessagingSettings {
  cipher_suite: number;
  external_sender: string;
  /** How long messages are kept; null: without end. */
  retention_days: number | null;
}

export interface MemberInfo {
  device_id: string;
  person_id: string;
  joined_position: number;
  delivered_position: number;
}

export interface ConversationInfo {
  id: string;
  kind: "direct" | "group";
  cipher_suite: number;
  epoch: number;
  last_position: number;
  created_at: string;
  retention_seconds: number | null;
  person_id: string | null;
  members: MemberInfo[];
  /** Which commits a device could not apply, by its own word. */
  failures: (FailureInfo & { code: string })[];
}

export type FailureInfo = Omit<FailureReported, "type" | "conversation_id">;

export interface PersonInfo {
  id: string;
  username: string;
  display_name: string;
  role: string;
  identity_key: string | null;
}

export interface DeviceInfo {
  id: string;
  name: string;
  created_at: string;
}

/** A session that sits on a device, and the share that opens the device's vault. */
export interface BoundDevice {
  device: DeviceInfo;
  unlock_share: string;
}

export interface NewDevice {
  id: string;
  name: string;
  signature_key: string;
  credential: string;
  authentication_key: string;
  proof: string;
  begins_anew: boolean;
}

export interface ClaimedKeyPackage {
  device_id: string;
  key_package: string;
}

export interface NewConversation {
  id: string;
  kind: "direct" | "group";
  cipher_suite: number;
  person_id: string | null;
  group_info: string;
}

export interface GroupNow {
  epoch: number;
  group_info: string;
  ratchet_tree: string;
}

export interface SocketHandlers {
  frame(frame: ServerFrame): void;
  closed(code: number): void;
}

export interface Socket {
  send(command: Command): void;
  close(): void;
}

/** Calls reject with `ProblemError`. */
export interface Server {
  readonly files: FileServer;
  registerDevice(device: NewDevice): Promise<BoundDevice>;
  bindDevice(deviceId: string, proof: string): Promise<BoundDevice>;
  boundDevice(): Promise<BoundDevice>;
  keyPackageCount(): Promise<{ available: number; has_last_resort: boolean }>;
  uploadKeyPackages(keyPackages: string[], lastResort: string | null): Promise<void>;
  claimKeyPackages(personId: string, cipherSuite: number): Promise<ClaimedKeyPackage[]>;
  messagingSettings(): Promise<MessagingSettings>;
  createConversation(conversation: NewConversation): Promise<ConversationInfo>;
  conversation(id: string): Promise<ConversationInfo>;
  conversations(): Promise<ConversationInfo[]>;
  entries(id: string, after: number): Promise<{ entries: Entry[]; last_position: number }>;
  /** The ratchet tree of an epoch that a Welcome leads to, or of the present one. */
  tree(id: string, epoch: number): Promise<string>;
  /** The group as it is now, to come back into it. */
  group(id: string): Promise<GroupNow>;
  reportFailure(id: string, position: number, code: string): Promise<void>;
  welcomes(): Promise<WelcomeInfo[]>;
  forgetWelcome(id: string): Promise<void>;
  person(id: string): Promise<PersonInfo>;
  openSocket(handlers: SocketHandlers): Socket;
}

const PAGE = 200;

interface Paged<T> {
  next: string | null;
  results: T[];
}

export class HttpServer implements Server {
  readonly files: FileServer;
  readonly #http: Http;

  constructor(http: Http) {
    this.files = new HttpFileServer(http);
    this.#http = http;
  }

  registerDevice(device: NewDevice): Promise<BoundDevice> {
    return this.#http.post("/api/v1/devices", device);
  }

  bindDevice(deviceId: string, proof: string): Promise<BoundDevice> {
    return this.#http.post("/api/v1/session/device", { device_id: deviceId, proof });
  }

  boundDevice(): Promise<BoundDevice> {
    return this.#http.get("/api/v1/session/device");
  }

  keyPackageCount(): Promise<{ available: number; has_last_resort: boolean }> {
    return this.#http.get("/api/v1/key-packages");
  }

  async uploadKeyPackages(keyPackages: string[], lastResort: string | null): Promise<void> {
    await this.#http.post("/api/v1/key-packages", {
      key_packages: keyPackages,
      last_resort: lastResort,
    });
  }

  async claimKeyPackages(personId: string, cipherSuite: number): Promise<ClaimedKeyPackage[]> {
    const answer = await this.#http.post<{ key_packages: ClaimedKeyPackage[] }>(
      "/api/v1/key-packages/claims",
      { person_id: personId, cipher_suite: cipherSuite },
    );
    return answer.key_packages;
  }

  messagingSettings(): Promise<MessagingSettings> {
    return this.#http.get("/api/v1/messaging/settings");
  }

  createConversation(conversation: NewConversation): Promise<ConversationInfo> {
    return this.#http.post("/api/v1/conversations", conversation);
  }

  conversation(id: string): Promise<ConversationInfo> {
    return this.#http.get(`/api/v1/conversations/${encodeURIComponent(id)}`);
  }

  conversations(): Promise<ConversationInfo[]> {
    return this.#pages("/api/v1/conversations");
  }

  entries(id: string, after: number): Promise<{ entries: Entry[]; last_position: number }> {
    const query = `after=${after}&limit=${PAGE}`;
    return this.#http.get(`/api/v1/conversations/${encodeURIComponent(id)}/entries?${query}`);
  }

  async tree(id: string, epoch: number): Promise<string> {
    const path = `/api/v1/conversations/${encodeURIComponent(id)}/tree?epoch=${epoch}`;
    return (await this.#http.get<{ ratchet_tree: string }>(path)).ratchet_tree;
  }

  group(id: string): Promise<GroupNow> {
    return this.#http.get(`/api/v1/conversations/${encodeURIComponent(id)}/group`);
  }

  async reportFailure(id: string, position: number, code: string): Promise<void> {
    await this.#http.post(`/api/v1/conversations/${encodeURIComponent(id)}/failure-reports`, { position, code });
  }

  welcomes(): Promise<WelcomeInfo[]> {
    return this.#pages("/api/v1/welcomes");
  }

  async forgetWelcome(id: string): Promise<void> {
    await this.#http.delete(`/api/v1/welcomes/${encodeURIComponent(id)}`);
  }

  person(id: string): Promise<PersonInfo> {
    return this.#http.get(`/api/v1/people/${encodeURIComponent(id)}`);
  }

  openSocket(handlers: SocketHandlers): Socket {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/ws/v1/`);
    socket.onmessage = ({ data }) => {
      if (typeof data === "string") handlers.frame(JSON.parse(data) as ServerFrame); // our server's word
    };
    socket.onclose = ({ code }) => handlers.closed(code);
    return {
      send: (command) => socket.send(JSON.stringify(command)),
      close: () => socket.close(),
    };
  }

  async #pages<T>(first: string): Promise<T[]> {
    const all: T[] = [];
    let path: string | null = first;
    while (path !== null) {
      const page: Paged<T> = await this.#http.get(path);
      all.push(...page.results);
      path = page.next === null ? null : pathOf(page.next);
    }
    return all;
  }
}

/** The next page's address, kept on our own origin whatever it says. */
function pathOf(address: string): string {
  const url = new URL(address, location.origin);
  return url.pathname + url.search;
}
