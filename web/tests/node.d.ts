// The little of Node's test runner that the tests use; its own types are a package we do not need.

declare module "node:test" {
  interface TestContext {
    readonly mock: {
      readonly timers: {
        enable(options: { readonly apis: readonly ("setTimeout" | "Date")[] }): void;
        tick(milliseconds: number): void;
      };
    };
  }
  type Body = (context: TestContext) => void | Promise<void>;
  export function test(name: string, body: Body): void;
  /** `skip` says why not, or is false. */
  export function test(name: string, options: { readonly skip: string | false }, body: Body): void;
  export function afterEach(body: () => void | Promise<void>): void;
}

declare module "node:assert/strict" {
  interface Assert {
    (value: unknown, message?: string): asserts value;
    equal(actual: unknown, expected: unknown, message?: string): void;
    notEqual(actual: unknown, expected: unknown, message?: string): void;
    deepEqual(actual: unknown, expected: unknown, message?: string): void;
    match(actual: string, expected: RegExp, message?: string): void;
    throws(body: () => unknown, expected?: object | RegExp, message?: string): void;
    rejects(body: Promise<unknown> | (() => Promise<unknown>), expected?: object | RegExp): Promise<void>;
    fail(message?: string): never;
  }
  const assert: Assert;
  export default assert;
}

declare module "node:fs" {
  export function existsSync(path: string): boolean;
  export function readFileSync(path: string, encoding: "utf8"): string;
  export function readdirSync(path: string): string[];
}

declare module "node:zlib" {
  export function gzipSync(data: string | Uint8Array, options: { readonly level: number }): Uint8Array;
}

declare module "node:readline" {
  interface Lines extends AsyncIterable<string> {}
  export function createInterface(options: { readonly input: unknown }): Lines;
}

declare module "node:process" {
  interface Process {
    readonly argv: readonly string[];
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly stdin: unknown;
    readonly stdout: { write(text: string): void };
    exitCode: number;
    cwd(): string;
  }
  const process: Process;
  export default process;
}

declare module "node:http" {
  export interface TestServer {
    listen(port: number, host: string, listening: () => void): void;
    address(): { port: number };
    close(): void;
  }
  interface Request {
    method: string;
    headers: Record<string, string>;
  }
  interface Response {
    writeHead(status: number, headers: Record<string, string>): void;
    end(body: string): void;
  }
  export function createServer(answer: (request: Request, response: Response) => void): TestServer;
}
