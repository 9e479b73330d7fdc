import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import "../../src/mls/crypto/more_suites.ts";
import { KINDS, runVectors, summary } from "../../src/mls/vectors/kinds.ts";

const DATA = process.env["SECURECHAT_TEST_DATA"] ?? `${process.cwd()}/../../shared`;
const FOLDER = `${DATA}/mls-vectors`;
const SKIP = existsSync(FOLDER) ? false : `no test data in ${FOLDER}; see SECURECHAT_TEST_DATA`;

// TreeKEM on X448, P-384 and P-521 takes two minutes: `npm run vectors` and SECURECHAT_SLOW=1 have it.
const QUICK_SUITES = [1, 2, 3];
const IS_SLOW_WANTED = process.env["SECURECHAT_SLOW"] === "1";

function isWanted(file: string, vector: unknown): boolean {
  if (IS_SLOW_WANTED || file !== "treekem.json") return true;
  const isObject = typeof vector === "object" && vector !== null && "cipher_suite" in vector;
  return isObject && QUICK_SUITES.includes(Number(vector.cipher_suite));
}

function vectorFiles(): readonly string[] {
  return SKIP === false ? readdirSync(FOLDER).filter((name) => name.endsWith(".json")) : ["all of them"];
}

for (const file of vectorFiles()) {
  test(`the official vectors of ${file} hold`, { skip: SKIP }, async () => {
    const cases: unknown = JSON.parse(readFileSync(`${FOLDER}/${file}`, "utf8"));
    assert(Array.isArray(cases));
    const wanted = cases.filter((vector) => isWanted(file, vector));

    const tally = await runVectors(file, JSON.stringify(wanted));

    assert.deepEqual(tally.failures, []);
    assert.equal(tally.passed, wanted.length, summary(tally));
    assert(wanted.length > 0);
  });
}

test("every kind of vector has a file", { skip: SKIP }, () => {
  for (const { name } of KINDS) assert(vectorFiles().some((file) => file.includes(name)), name);
});

test("a vector that says something else fails", async () => {
  const right = [{ vlbytes_header: "3f", length: 63 }];
  const wrong = [{ vlbytes_header: "3f", length: 62 }, { vlbytes_header: "4000", length: 0 }];

  const [passed, failed] = [await runVectors("x", JSON.stringify(right)), await runVectors("x", JSON.stringify(wrong))];

  assert.equal(summary(passed), "1 passed, 0 failed");
  assert.equal(summary(failed), "0 passed, 2 failed");
});

test("a suite that the engine does not have is counted apart", async () => {
  const vector = { cipher_suite: 0x7777, psks: [], psk_secret: "" };

  const tally = await runVectors("x", JSON.stringify([vector]));

  assert.equal(summary(tally), "0 passed, 0 failed, 1 of unsupported suites 0x7777");
});

test("a file of no known kind is one failure", async () => {
  assert.equal(summary(await runVectors("x", "[{}]")), "0 passed, 1 failed");
  assert.equal(summary(await runVectors("x", "nonsense")), "0 passed, 1 failed");
});
