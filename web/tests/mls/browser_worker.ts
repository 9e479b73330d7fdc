// Official vectors and figures in a browser's module Worker: one request in, one answer out.

import "../../src/mls/crypto/more_suites.ts";
import { Case } from "../../src/mls/vectors/expect.ts";
import { runVectors } from "../../src/mls/vectors/kinds.ts";
import { measure } from "./measure.ts";

async function answer(request: Case): Promise<unknown> {
  if (request.has("json")) return runVectors(request.text("name"), request.text("json"));
  return (await measure(request.number("suite"), request.number("members"))).milliseconds;
}

self.onmessage = async ({ data }: MessageEvent<unknown>) => {
  postMessage(await answer(Case.of(data)));
};
