// The engine refuses with the same names and codes as Python's.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import * as errors from "../../src/mls/errors.ts";

const PYTHON = `${process.cwd()}/../securechat_sdk/mls/errors.py`;

function pythonErrors(): ReadonlyMap<string, string> {
  const source = readFileSync(PYTHON, "utf8");
  const classes = [...source.matchAll(/^class (\w+)\((\w+)\):/gm)];
  return new Map(classes.map(([, name = "", base = ""]) => [name, base]));
}

test("both engines draw the same tree of errors", () => {
  const drawn = new Map(pythonErrors()).set("MLSError", "Error");

  const ours = new Map(
    Object.values(errors).map((each) => [each.name, (Object.getPrototypeOf(each) as { name: string }).name]),
  );

  assert(drawn.size > 60);
  assert.deepEqual([...ours].sort(), [...drawn].sort());
});

test("a code is the name in snake case, and the message when there is no other", () => {
  for (const Each of Object.values(errors)) {
    const snake = Each.name.replace("MLS", "Mls").replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, "_").toLowerCase();

    assert.equal(new Each().code, snake);
    assert.equal(new Each().message, snake);
    assert.equal(new Each("because").message, "because");
  }
});
