// What the engine costs to load: everything behind mls-engine.ts, with the hybrid suite, compressed.

import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const MOST = 40_000;

test("the MLS engine with the hybrid suite is at most 40 kB compressed", async () => {
  const { outputFiles } = await build({
    entryPoints: ["src/mls-engine.ts"],
    bundle: true,
    format: "esm",
    target: "es2023",
    minify: true,
    write: false,
  });

  const size = gzipSync(outputFiles[0]?.contents ?? "", { level: 9 }).length;

  assert(size > 10_000, `${size} bytes cannot be the engine`);
  assert(size <= MOST, `${size} bytes`);
});
