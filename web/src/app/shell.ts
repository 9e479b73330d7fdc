// What all pages share: the session, the address, the engine's snapshot, and how they change.

import { createContext } from "preact";
import { useContext } from "preact/hooks";
import { batch, computed, signal, type ReadonlySignal } from "@preact/signals";

import { confirmPassword, getSession, logOut, type Session } from "../api/session.ts";
import type { Engine, Notification, Snapshot } from "../worker/protocol.ts";
import { isLoggedIn, pageFor, type Page, type Unfinished } from "./pages.ts";
import { codeOf, factOf, sentenceFor } from "./problems.ts";
import { Notifier, browserDesk } from "./notifications.ts";
import { notifies, shareTyping, sharesTyping } from "./preferences.ts";
import { hashOf, nextPage, parseRoute, type Route } from "./route.ts";
import { words } from "./words.ts";

const CLOSED: Snapshot = {
  phase: "closed",
  failure: null,
  connection: "offline",
  me: null,
  conversations: [],
};

/** What the engine says when its session or its device is gone. */
const LOGGED_OUT = ["not_authenticated", "device_revoked"];

const LOOK_AGAIN_AFTER = 30_000;
const RETRY_AFTER = 5_000;
const CLOSED_ELSEWHERE_AFTER = 1_000;

/** A person closed the question; nothing went wrong. */
export class Cancelled extends Error {}

interface PasswordQuestion {
  answer(password: string): Promise<void>;
  cancel(): void;
}

/** A colleague's identity key is another one than before. */
interface KeyQuestion {
  personId: string;
  trust(): Promise<void>;
  cancel(): void;
}

export class Shell {
  readonly session = signal<Session | null>(null);
  readonly route = signal<Route>({ name: "home" });
  readonly snapshot = signal<Snapshot>(CLOSED);
  readonly unfinished = signal<Unfinished>(null);
  /** Why the session could not be asked for. */
  readonly trouble = signal<unknown>(null);
  /** Told to everybody for some seconds, to screen readers too. */
  readonly toast = signal("");
  /** The message that its conversation is to show next. */
  readonly wanted = signal<{ conversationId: string; messageId: string } | null>(null);
  /** Who else is typing, by conversation. */
  readonly typing = signal<ReadonlyMap<string, readonly string[]>>(new Map());
  /** For screen readers only. */
  readonly announcement = signal("");
  readonly passwordQuestion = signal<PasswordQuestion | null>(null);
  readonly keyQuestion = signal<KeyQuestion | null>(null);
  readonly page: ReadonlySignal<Page> = computed(() =>
    pageFor(this.session.value, this.route.value, this.unfinished.value),
  );

  /** What was begun in conversations, until it is sent, or until they leave, or somebody else comes. */
  readonly drafts = new Map<string, string>();

  /** The secret of an invitation, as soon as it has left the address bar. */
  invitationToken: string | null = null;

  private readonly notifier = new Notifier(
    { ...browserDesk, show: (notice) => (notifies.value ? browserDesk.show(notice) : null) },
    (id) => this.go({ name: "conversation", id }),
  );
  private typedPassword: string | null = null;
  private draftsOf: string | null = null;
  private wasLoggedOut = false;
  private lookedAt = 0;
  /** Counts what was learnt of the session, so that a late answer cannot undo a newer one. */
  private turn = 0;
  private isLeaving = false;

  constructor(readonly engine: Engine) {}

  start(): void {
    this.readAddress();
    window.addEventListener("hashchange", () => this.readAddress());
    document.addEventListener("visibilitychange", () => this.lookAgain());
    window.addEventListener("online", () => void this.refresh());
    this.engine.subscribe((notification) => this.hear(notification));
    void this.refresh();
  }

  // The address ------------------------------------------------------------------------------

  go(route: Route): void {
    const hash = hashOf(route);
    if (location.hash === hash) this.route.value = route;
    else location.hash = hash;
  }

  private readAddress(): void {
    const route = parseRoute(location.hash);
    if (route.name === "invitation" && route.token !== null) {
      this.invitationToken = route.token;
      history.replaceState(null, "", location.pathname + location.search + hashOf(route));
    }
    this.route.value = route;
  }

  // The session ------------------------------------------------------------------------------

  async refresh(): Promise<void> {
    this.lookedAt = Date.now();
    this.turn += 1;
    const { turn } = this;
    try {
      const session = await getSession();
      if (turn === this.turn) this.enter(session); // else something newer is known by now
    } catch (error) {
      this.trouble.value = error;
      if (this.session.value === null) setTimeout(() => void this.refresh(), RETRY_AFTER);
    }
  }

  /** Every call that changes the session answers with it; this is where it goes. */
  enter(session: Session): void {
    this.turn += 1;
    const before = this.session.value;
    if (!isLoggedIn(session)) this.wasLoggedOut = true;
    this.keepDraftsOf(session.person?.id ?? null);
    batch(() => {
      this.trouble.value = null;
      this.session.value = session;
      if (session.person === null) this.unfinished.value = null;
      if (session.state === "enrolment" && this.unfinished.value === null) {
        this.unfinished.value =
          session.pending === "recovery_codes"
            ? { step: "keeping_codes" }
            : { step: "enrolling", way: null };
      }
    });
    if (before?.state === "ready" && session.state !== "ready") {
      this.inBackground(this.closeEngine());
    }
    this.followNext();
  }

  finish(): void {
    this.unfinished.value = null;
    this.forgetPassword();
    this.followNext();
  }

  /** False: there is nothing to keep it in, or nobody is logged in any more. */
  keepDraft(conversationId: string, text: string): boolean {
    if (this.isLeaving || this.snapshot.value.phase !== "ready") return false;
    this.inBackground(this.engine.call("keepDraft", { conversationId, text }));
    return true;
  }

  addToDraft(conversationId: string, text: string): void {
    const begun = this.drafts.get(conversationId) ?? "";
    this.drafts.set(conversationId, begun === "" ? text : `${begun}\n${text}`);
  }

  /** A session that ran out comes back; another person must not see what was written. */
  private keepDraftsOf(personId: string | null): void {
    if (personId === null) return;
    if (this.draftsOf !== personId) this.drafts.clear();
    this.draftsOf = personId;
  }

  async leave(): Promise<void> {
    this.forgetPassword();
    this.typing.value = new Map();
    this.wanted.value = null;
    this.announce("");
    this.say("");
    this.isLeaving = true;
    try {
      this.drafts.clear();
      await this.engine.call("forgetDrafts", {});
      await this.closeEngine();
    } finally {
      this.isLeaving = false;
      const session = await logOut();
      this.unfinished.value = null;
      this.go({ name: "login" });
      this.enter(session);
    }
  }

  /** Only after a login made on this page: otherwise a refused page would send us round in circles. */
  private followNext(): void {
    const session = this.session.value;
    const next = nextPage(location.search, location.origin);
    if (next === null || session === null || this.unfinished.value !== null) return;
    if (!isLoggedIn(session)) return;
    if (this.wasLoggedOut) {
      location.assign(next);
    } else {
      history.replaceState(null, "", location.pathname + location.hash);
      this.say(words.failure.nextPage);
    }
  }

  private lookAgain(): void {
    const due = Date.now() - this.lookedAt > LOOK_AGAIN_AFTER;
    if (document.visibilityState === "visible" && due) void this.refresh();
  }

  // The password, while it is at hand ----------------------------------------------------------

  /** A face template is sealed with the password; whoever just typed it is not asked again. */
  rememberPassword(password: string): void {
    this.typedPassword = password;
  }

  forgetPassword(): void {
    this.typedPassword = null;
  }

  get passwordAtHand(): string | null {
    return this.typedPassword;
  }

  /** Does the work; asks for the password first where the server wants that. */
  async confirmed<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (codeOf(error) !== "reauthentication_required") throw error;
    }
    await this.askForPassword();
    return work();
  }

  private askForPassword(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.passwordQuestion.value = {
        answer: async (password) => {
          await confirmPassword(password);
          this.passwordQuestion.value = null;
          resolve();
        },
        cancel: () => {
          this.passwordQuestion.value = null;
          reject(new Cancelled());
        },
      };
    });
  }

  // Other people's keys ------------------------------------------------------------------------

  /** Does the work; where somebody's key has changed, first asks whether the new one is theirs. */
  async withKnownKeys<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (codeOf(error) !== "identity_key_changed") throw error;
        await this.askAboutKey(factOf(error, "person_id"), factOf(error, "identity_key"));
      }
    }
  }

  private askAboutKey(personId: string, identityKey: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.keyQuestion.value = {
        personId,
        trust: async () => {
          await this.engine.call("acceptKey", { personId, identityKey });
          this.keyQuestion.value = null;
          resolve();
        },
        cancel: () => {
          this.keyQuestion.value = null;
          reject(new Cancelled()); // in vain once it was answered
        },
      };
    });
  }

  // The engine -------------------------------------------------------------------------------

  private hear(notification: Notification): void {
    if (notification.type === "typing") this.heardTyping(notification.conversationId, notification.names);
    if (notification.type !== "snapshot") return;
    const before = this.snapshot.value;
    const now = notification.snapshot;
    this.snapshot.value = now;
    this.notifier.hear(now);
    // Whoever would say that they type no longer may be gone with its connection, or with another tab.
    if (now.connection !== "online" && this.typing.value.size > 0) this.typing.value = new Map();
    const code = now.failure?.code;
    if (code !== undefined && code !== before.failure?.code && LOGGED_OUT.includes(code)) {
      void this.refresh();
    }
    const closedElsewhere = now.phase === "closed" && before.phase !== "closed" && !this.isLeaving;
    if (closedElsewhere) setTimeout(() => void this.comeBack(), CLOSED_ELSEWHERE_AFTER);
  }

  private heardTyping(conversationId: string, names: readonly string[]): void {
    this.typing.value = new Map(this.typing.value).set(conversationId, sharesTyping.value ? names : []);
  }

  /** Tells the others there what this person does, if they want that; when it is not heard, nothing is lost. */
  whisper(conversationId: string, type: "typing" | "stopped"): void {
    if (!sharesTyping.value) return;
    this.engine.call("whisper", { conversationId, type }).catch((error: unknown) => {
      if (codeOf(error) === "engine_failed") throw error;
    });
  }

  /** Whoever does not tell is not told. */
  shareTyping(shares: boolean): void {
    shareTyping(shares);
    if (!shares) this.typing.value = new Map();
  }

  /** Another tab closed the engine: most likely it logged out, and the server knows by now. */
  private async comeBack(): Promise<void> {
    await this.refresh();
    const session = this.session.value;
    if (session?.state !== "ready" || session.person === null) return;
    if (this.snapshot.value.phase !== "closed") return;
    this.inBackground(this.engine.call("open", { personId: session.person.id }));
  }

  private async closeEngine(): Promise<void> {
    await this.engine.call("close", {});
  }

  // Words to the person ----------------------------------------------------------------------

  say(text: string): void {
    this.toast.value = text;
  }

  /** Work nobody waits for; when it fails the person hears of it all the same. */
  inBackground(work: Promise<unknown>): void {
    work.catch((error: unknown) => this.say(sentenceFor(error)));
  }

  announce(text: string): void {
    this.announcement.value = text;
  }
}

const ShellContext = createContext<Shell | null>(null);

export const ShellProvider = ShellContext.Provider;

export function useShell(): Shell {
  const shell = useContext(ShellContext);
  if (shell === null) throw new Error("A page was drawn outside of the shell.");
  return shell;
}
