// What the wrapper makes of answers; `fetch` itself asks a server of this process.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { createServer, type TestServer } from "node:http";
import { ProblemError, createHttp } from "../src/api/http.ts";

interface Canned {
  status: number;
  type: string;
  body: string;
}

const running: TestServer[] = [];

afterEach(() => {
  for (const server of running.splice(0)) server.close();
});

/** A server that gives one answer, and tells what it was asked. */
async function answering({ status, type, body }: Canned) {
  const asked: { method: string; headers: Record<string, string> }[] = [];
  const server = createServer((request, response) => {
    asked.push({ method: request.method, headers: request.headers });
    response.writeHead(status, { "Content-Type": type });
    response.end(body);
  });
  running.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { address: `http://127.0.0.1:${server.address().port}/`, asked };
}

async function refusalOf(canned: Canned): Promise<ProblemError> {
  const { address } = await answering(canned);
  try {
    await createHttp(() => null).get(address);
  } catch (error) {
    assert(error instanceof ProblemError);
    return error;
  }
  return assert.fail("it was not refused");
}

test("a problem has its code, its detail, its facts and its fields", async () => {
  const problem = await refusalOf({
    status: 409,
    type: "application/problem+json",
    body: JSON.stringify({
      type: "/docs/errors#stale_epoch",
      title: "Stale",
      status: 409,
      detail: "Too late.",
      code: "stale_epoch",
      epoch: 7,
      errors: [{ pointer: "/a", detail: "b" }],
    }),
  });

  assert.equal(problem.code, "stale_epoch");
  assert.equal(problem.detail, "Too late.");
  assert.deepEqual(problem.facts, { epoch: 7 });
  assert.deepEqual(problem.errors, [{ pointer: "/a", detail: "b" }]);
});

test("a page of a proxy is a problem too", async () => {
  const gateway = await refusalOf({ status: 502, type: "text/html", body: "<h1>Bad gateway</h1>" });
  const strange = await refusalOf({ status: 200, type: "text/html", body: "<h1>Hello</h1>" });

  assert.deepEqual([gateway.code, gateway.status], ["offline", 502]);
  assert.equal(strange.code, "unexpected_answer");
});

test("a server that is not there is offline", async () => {
  const { address } = await answering({ status: 200, type: "application/json", body: "1" });
  for (const server of running.splice(0)) server.close();

  await assert.rejects(createHttp(() => null).get(address), { code: "offline" });
});

test("only what changes something carries the token", async () => {
  const { address, asked } = await answering({ status: 200, type: "application/json", body: '{"a": 1}' });
  const http = createHttp(async () => "token");

  const read = await http.get<{ a: number }>(address);
  await http.post(address, { b: 2 });

  assert.deepEqual(read, { a: 1 });
  assert.deepEqual(asked.map(({ headers }) => headers["x-csrftoken"]), [undefined, "token"]);
});
