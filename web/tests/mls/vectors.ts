// Run official vector files: `npm run vectors -- FILE...`; `--only-webcrypto` leaves out more_suites.

import { readFileSync } from "node:fs";
import process from "node:process";
import { type Tally, runVectors, summary } from "../../src/mls/vectors/kinds.ts";

async function main(files: readonly string[]): Promise<number> {
  if (files.length === 0) {
    console.log("usage: npm run vectors -- FILE...");
    return 2;
  }
  const tallies: Tally[] = [];
  for (const file of files) {
    const tally = await runFile(file);
    console.log(`${file}: ${summary(tally)}`);
    for (const failure of tally.failures) console.log(`  ${failure}`);
    tallies.push(tally);
  }
  const total = {
    passed: tallies.reduce((sum, tally) => sum + tally.passed, 0),
    failures: tallies.flatMap((tally) => tally.failures),
    unsupported: tallies.flatMap((tally) => tally.unsupported),
  };
  if (total.unsupported.length > 0) console.log(`apart: ${summary(total)}`);
  console.log(`${total.passed} passed, ${total.failures.length} failed`);
  return total.failures.length > 0 || total.passed === 0 ? 1 : 0;
}

/** A file that cannot be read is one failure. */
async function runFile(file: string): Promise<Tally> {
  try {
    return await runVectors(file.split("/").at(-1) ?? file, readFileSync(file, "utf8"));
  } catch (error) {
    return { passed: 0, failures: [String(error)], unsupported: [] };
  }
}

const arguments_ = process.argv.slice(2);
const isLean = arguments_[0] === "--only-webcrypto";
if (!isLean) await import("../../src/mls/crypto/more_suites.ts");
process.exitCode = await main(isLean ? arguments_.slice(1) : arguments_);
