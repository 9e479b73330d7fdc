// HTTP to our own server, for pages and for the Worker. A refusal (RFC 9457) is thrown as
// `ProblemError`; django-allauth's answers are handed through whole, because there a 401 is a step
// and not a failure.

/** The codes that come from here and not from the server. */
export type LocalCode = "offline" | "time_out" | "unexpected_answer";

export interface FieldProblem {
  pointer: string;
  detail: string;
}

/** The server refused (docs/protocol.md names the codes), or could not be reached. */
export class ProblemError extends Error {
  readonly code: string;
  /** Zero when there was no answer. */
  readonly status: number;
  readonly detail: string;
  readonly errors: readonly FieldProblem[];
  /** What stands beside the code: `epoch`, `retry_after`, `conversation_id`, … */
  readonly facts: Readonly<Record<string, unknown>>;

  constructor(
    code: string,
    detail: string,
    status = 0,
    facts: Readonly<Record<string, unknown>> = {},
    errors: readonly FieldProblem[] = [],
  ) {
    super(`${code}: ${detail}`);
    this.name = "ProblemError";
    this.code = code;
    this.status = status;
    this.detail = detail;
    this.facts = facts;
    this.errors = errors;
  }
}

export function isProblem(error: unknown, code: string): error is ProblemError {
  return error instanceof ProblemError && error.code === code;
}

export type HttpMethod = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

export interface RequestOptions {
  /** Milliseconds until the request is given up as `time_out`. */
  timeout?: number;
  headers?: Readonly<Record<string, string>>;
  /** Ends the request, which then rejects as `offline`. */
  signal?: AbortSignal;
}

/** An answer of django-allauth headless; `status` is also the HTTP status. */
export interface AllauthAnswer<Data = Record<string, unknown>> {
  status: number;
  data: Data;
  meta: Record<string, unknown>;
  errors: { code: string; param?: string; message: string }[];
}

export interface Answer<T> {
  status: number;
  body: T;
}

export interface Http {
  get<T>(path: string, options?: RequestOptions): Promise<T>;
  post<T>(path: string, body?: unknown, options?: RequestOptions): Promise<T>;
  put<T>(path: string, body?: unknown, options?: RequestOptions): Promise<T>;
  patch<T>(path: string, body?: unknown, options?: RequestOptions): Promise<T>;
  delete<T>(path: string, options?: RequestOptions): Promise<T>;
  /** What is no JSON: the body as it is. */
  bytes(path: string, options?: RequestOptions): Promise<Uint8Array<ArrayBuffer>>;
  /** Like the others, but the status is told too (201 for new, 200 for repeated). */
  request<T>(
    method: HttpMethod,
    path: string,
    body?: unknown,
    options?: RequestOptions,
  ): Promise<Answer<T>>;
  /** `path` is relative to `/_allauth/browser/v1/`, such as `auth/login`. */
  allauth<Data = Record<string, unknown>>(
    method: HttpMethod,
    path: string,
    body?: unknown,
  ): Promise<AllauthAnswer<Data>>;
}

/** Where the CSRF token comes from: a page reads its cookie, a Worker asks its page. */
export type CsrfSource = () => string | null | Promise<string | null>;

const DEFAULT_TIMEOUT = 30_000;
const ALLAUTH = "/_allauth/browser/v1/";
const SAFE: ReadonlySet<HttpMethod> = new Set(["GET"]);

export function csrfFromCookie(): string | null {
  for (const part of document.cookie.split("; ")) {
    if (part.startsWith("csrftoken=")) return part.slice("csrftoken=".length);
  }
  return null;
}

export function createHttp(csrf: CsrfSource): Http {
  async function send(
    method: HttpMethod,
    path: string,
    body: unknown,
    options: RequestOptions = {},
  ): Promise<Response> {
    const headers = new Headers({ Accept: "application/json, application/problem+json", ...options.headers });
    const patience = AbortSignal.timeout(options.timeout ?? DEFAULT_TIMEOUT);
    const init: RequestInit = {
      method,
      headers,
      credentials: "same-origin",
      cache: "no-store",
      redirect: "error",
      signal: options.signal ? AbortSignal.any([patience, options.signal]) : patience,
    };
    if (body instanceof FormData || body instanceof Blob) {
      init.body = body;
    } else if (body !== undefined) {
      headers.set("Content-Type", "application/json");
      init.body = JSON.stringify(body);
    }
    if (!SAFE.has(method)) {
      const token = await csrf();
      if (token !== null) headers.set("X-CSRFToken", token);
    }
    try {
      return await fetch(path, init);
    } catch (error) {
      throw unreachable(error);
    }
  }

  async function request<T>(
    method: HttpMethod,
    path: string,
    body?: unknown,
    options?: RequestOptions,
  ): Promise<Answer<T>> {
    const response = await send(method, path, body, options);
    const answer = await jsonOf(response);
    if (!response.ok) throw problemOf(response.status, answer);
    return { status: response.status, body: answer as T }; // the server's word, typed by the caller
  }

  async function bytes(path: string, options?: RequestOptions): Promise<Uint8Array<ArrayBuffer>> {
    const response = await send("GET", path, undefined, options);
    if (!response.ok) throw problemOf(response.status, await jsonOf(response));
    try {
      return new Uint8Array(await response.arrayBuffer());
    } catch (error) {
      throw unreachable(error);
    }
  }

  const bodyOf = async <T>(answer: Promise<Answer<T>>): Promise<T> => (await answer).body;
  return {
    request,
    bytes,
    get: (path, options) => bodyOf(request("GET", path, undefined, options)),
    post: (path, body, options) => bodyOf(request("POST", path, body, options)),
    put: (path, body, options) => bodyOf(request("PUT", path, body, options)),
    patch: (path, body, options) => bodyOf(request("PATCH", path, body, options)),
    delete: (path, options) => bodyOf(request("DELETE", path, undefined, options)),
    async allauth<Data>(method: HttpMethod, path: string, body?: unknown) {
      const response = await send(method, ALLAUTH + path, body);
      const answer = await jsonOf(response);
      if (!isRecord(answer) || typeof answer["status"] !== "number") {
        throw problemOf(response.status, answer);
      }
      return {
        status: answer["status"],
        data: (answer["data"] ?? {}) as Data, // allauth's word, typed by the caller
        meta: isRecord(answer["meta"]) ? answer["meta"] : {},
        errors: (answer["errors"] ?? []) as AllauthAnswer["errors"],
      };
    },
  };
}

/** The pages' own. A Worker makes one with `createHttp`, since it sees no cookies. */
export const http: Http = createHttp(csrfFromCookie);

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

async function jsonOf(response: Response): Promise<unknown> {
  let text: string;
  try {
    text = await response.text();
  } catch (error) {
    throw unreachable(error);
  }
  if (text === "") return null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    if (response.ok) throw unexpected(response.status);
    return null; // a proxy's page of HTML: `problemOf` says so by its status
  }
}

function problemOf(status: number, answer: unknown): ProblemError {
  if (!isRecord(answer) || typeof answer["code"] !== "string") return unexpected(status);
  const { type: _type, title, status: _status, detail, code, errors, ...facts } = answer;
  const words = typeof detail === "string" && detail !== "" ? detail : title;
  return new ProblemError(
    code as string, // checked above; the destructuring forgets it
    typeof words === "string" ? words : "",
    status,
    facts,
    Array.isArray(errors) ? (errors as FieldProblem[]) : [],
  );
}

function unexpected(status: number): ProblemError {
  const code: LocalCode = status >= 502 && status <= 504 ? "offline" : "unexpected_answer";
  return new ProblemError(code, `The server answered ${status} in a form we do not know.`, status);
}

function unreachable(error: unknown): ProblemError {
  if (error instanceof DOMException && error.name === "TimeoutError") {
    const code: LocalCode = "time_out";
    return new ProblemError(code, "The server took too long to answer.");
  }
  const code: LocalCode = "offline";
  return new ProblemError(code, "The server cannot be reached.");
}
