// Official vectors and figures in a browser's module Worker: one request in, one answer out.

import "../../src/mls/crypto/more_suites.ts";
import { NATIVE, mlKem } from "../../src/mls/crypto/mlkem.ts";
import { asHpkePrivateKey } from "../../src/mls/crypto/secrets.ts";
import { MLKEM768_X25519 } from "../../src/mls/crypto/xwing.ts";
import { Case, hex } from "../../src/mls/vectors/expect.ts";
import { runVectors } from "../../src/mls/vectors/kinds.ts";
import { openKeep } from "./keep.ts";
import { type Plan, measure } from "./measure.ts";

/** Which ML-KEM the browser has, and the secret of a published ciphertext. */
async function openXWing(vector: Case): Promise<unknown> {
  const key = asHpkePrivateKey(vector.bytes("seed"));
  const secret = await MLKEM768_X25519.decapsulate(key, vector.bytes("ciphertext"));
  return { isNative: (await mlKem()) === NATIVE, secret: hex(secret) };
}

function planIn(request: Case): Plan {
  return {
    suite: request.number("suite"),
    members: request.number("members"),
    repeats: request.number("repeats"),
    quick: request.number("quick"),
    sizes: request.list("sizes").map(Number),
  };
}

async function answer(request: Case): Promise<unknown> {
  if (request.has("xwing")) return openXWing(request.inner("xwing"));
  if (request.has("json")) return runVectors(request.text("name"), request.text("json"));
  return measure(planIn(request), await openKeep("engine"));
}

self.onmessage = async ({ data }: MessageEvent<unknown>) => {
  postMessage(await answer(Case.of(data)));
};
