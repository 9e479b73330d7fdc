// Which check belongs to a vector file, told by what its cases hold; and the running of one.

import { UnsupportedSuite } from "../errors.ts";
import { checkCryptoBasics, checkDeserialization, checkMessages } from "./basics.ts";
import { checkPassiveClient, checkWelcome } from "./clients.ts";
import { Case, VectorMismatch } from "./expect.ts";
import {
  checkKeySchedule,
  checkMessageProtection,
  checkPskSecret,
  checkSecretTree,
  checkTranscriptHashes,
} from "./schedules.ts";
import { checkTreeKem, checkTreeMath, checkTreeOperations, checkTreeValidation } from "./trees.ts";

type Check = (vector: Case) => void | Promise<void>;

/** A kind of vector file: the fields that only its cases have, and what they promise. */
export interface Kind {
  readonly name: string;
  readonly fields: readonly string[];
  readonly check: Check;
}

function kind(name: string, fields: string, check: Check): Kind {
  return { name, fields: fields.split(" "), check };
}

export const KINDS: readonly Kind[] = [
  kind("tree-math", "n_leaves root left right parent sibling", checkTreeMath),
  kind("deserialization", "vlbytes_header length", checkDeserialization),
  kind("crypto-basics", "ref_hash encrypt_with_label", checkCryptoBasics),
  kind("secret-tree", "encryption_secret sender_data leaves", checkSecretTree),
  kind("message-protection", "proposal_priv commit_priv application_priv", checkMessageProtection),
  kind("key-schedule", "initial_init_secret epochs", checkKeySchedule),
  kind("psk_secret", "psks psk_secret", checkPskSecret),
  kind("transcript-hashes", "authenticated_content interim_transcript_hash_before", checkTranscriptHashes),
  kind("welcome", "init_priv key_package signer_pub welcome", checkWelcome),
  kind("tree-operations", "tree_before proposal tree_after", checkTreeOperations),
  kind("tree-validation", "tree tree_hashes resolutions", checkTreeValidation),
  kind("treekem", "ratchet_tree leaves_private update_paths", checkTreeKem),
  kind("messages", "mls_welcome private_message commit", checkMessages),
  kind("passive-client", "init_priv welcome initial_epoch_authenticator epochs", checkPassiveClient),
];

/** By the fields of the cases, or else by the file's name. */
export function kindOf(name: string, cases: readonly Case[]): Kind {
  const byFields = KINDS.find((each) => each.fields.every((field) => cases.some((vector) => vector.has(field))));
  const found = byFields ?? KINDS.find((each) => name.includes(each.name));
  if (found === undefined) throw new VectorMismatch(`${name} holds no kind of vector that is known`);
  return found;
}

/** How many cases passed, what was wrong with others, and which suites the engine does not have. */
export interface Tally {
  readonly passed: number;
  readonly failures: readonly string[];
  readonly unsupported: readonly number[];
}

/** Every case of a file; a file that cannot be read is one failure. */
export async function runVectors(name: string, json: string): Promise<Tally> {
  const failures: string[] = [];
  const unsupported: number[] = [];
  let passed = 0;
  try {
    const cases = readCases(json);
    const { check } = kindOf(name, cases);
    for (const [number, vector] of cases.entries()) {
      const failure = await outcomeOf(check, vector);
      if (failure === null) passed += 1;
      else if (failure instanceof UnsupportedSuite) unsupported.push(vector.number("cipher_suite"));
      else failures.push(`case ${number}: ${told(failure)}`);
    }
  } catch (error) {
    failures.push(told(error)); // the edge of the program: told, not hidden
  }
  return { passed, failures, unsupported };
}

function readCases(json: string): readonly Case[] {
  const parsed: unknown = JSON.parse(json);
  if (!Array.isArray(parsed)) throw new VectorMismatch("the file is no list");
  return parsed.map((each) => Case.of(each));
}

async function outcomeOf(check: Check, vector: Case): Promise<unknown> {
  try {
    await check(vector);
    return null;
  } catch (error) {
    return error;
  }
}

function told(error: unknown): string {
  return error instanceof Error ? `${error.constructor.name}: ${error.message}` : String(error);
}

export function summary({ passed, failures, unsupported }: Tally): string {
  const suites = [...new Set(unsupported)].map((number) => `0x${number.toString(16).padStart(4, "0")}`);
  const apart = unsupported.length > 0 ? `, ${unsupported.length} of unsupported suites ${suites.join(" ")}` : "";
  return `${passed} passed, ${failures.length} failed${apart}`;
}
