// Builds the browser client with esbuild.
//
//   node build.mjs           dist/: hashed files, public/ beside them, and dist/manifest.json
//   node build.mjs --watch   the same again on every change, with external source maps
//   node build.mjs --tests   dist-tests/: tests/**/*.test.ts for `node --test`, and the tools below
//   node build.mjs --tools   dist-tests/: only the tools, for Node and for a browser

import { cp, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const DIST = path.join(HERE, "dist");

// ts-mls and its HPKE load these only where we never are; a bundle must not hold an `import()`.
const UNUSED_PEERS = [
  "crypto", // for a Node older than we run on
  "@hpke/chacha20poly1305",
  "@hpke/dhkem-x448",
  "@hpke/hybridkem-x-wing",
  "@hpke/ml-kem",
  "@noble/ciphers",
  "@noble/curves",
  "@noble/hashes",
  "@noble/post-quantum",
];

// Our own engine uses some of the same packages, and uses them for good.
const OF_TS_MLS = /[\\/]node_modules[\\/](ts-mls|@hpke)[\\/]/;

/** An import of an unused peer becomes a module that refuses, so no dynamic code is left. */
const withoutUnusedPeers = {
  name: "without-unused-peers",
  setup(build) {
    const filter = new RegExp(`^(${UNUSED_PEERS.join("|")})(/.*)?$`);
    build.onResolve({ filter }, ({ path: name, importer }) =>
      OF_TS_MLS.test(importer) ? { path: name, namespace: "unused-peer" } : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: "unused-peer" }, ({ path: name }) => ({
      contents: `throw new Error(${JSON.stringify(`${name} is not part of this client`)});`,
    }));
  },
};

const SHARED = {
  absWorkingDir: HERE,
  bundle: true,
  format: "esm",
  target: "es2023",
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "none",
  logLevel: "warning",
  plugins: [withoutUnusedPeers],
};

function manifestOf(metafile) {
  const manifest = {};
  for (const [output, { entryPoint }] of Object.entries(metafile.outputs)) {
    if (!entryPoint || output.endsWith(".map")) continue;
    const file = path.relative("dist", output);
    const name = file.replace(/-[A-Z0-9]{8}(\.[a-z]+)$/, "$1");
    manifest[name] = file;
  }
  return manifest;
}

const writeManifest = {
  name: "write-manifest",
  setup(build) {
    build.onEnd(async ({ errors, metafile }) => {
      if (errors.length > 0) return;
      const text = `${JSON.stringify(manifestOf(metafile), null, 2)}\n`;
      await writeFile(path.join(DIST, "manifest.json"), text);
    });
  },
};

async function clientOptions({ watch }) {
  await rm(DIST, { recursive: true, force: true });
  await mkdir(DIST, { recursive: true });
  const statics = path.join(HERE, "public");
  if (existsSync(statics)) await cp(statics, DIST, { recursive: true });
  return {
    ...SHARED,
    entryPoints: { main: "src/main.tsx", worker: "src/worker/main.ts", style: "src/style.css" },
    entryNames: "[name]-[hash]",
    assetNames: "[name]-[hash]",
    loader: { ".woff2": "file", ".svg": "file", ".png": "file" },
    outdir: "dist",
    metafile: true,
    minify: !watch,
    sourcemap: watch,
    plugins: [...SHARED.plugins, writeManifest],
  };
}

// Programs of the tests: official vectors, an engine that others talk to line by line, figures.
const TOOLS = ["tests/mls/vectors.ts", "tests/mls/peer.ts", "tests/mls/bench.ts"];

const PAGES = [
  "tests/mls/browser_page.ts",
  "tests/mls/browser_worker.ts",
  "tests/mls/whole_engine.ts",
];

/** For the same tests in a browser, as one file each and with nothing loaded later. */
async function buildForBrowser() {
  const folder = { outbase: "tests/mls", outdir: "dist-tests/browser" };
  await esbuild.build({ ...SHARED, entryPoints: PAGES, ...folder, minify: true });
  // ts-mls as it is; what it loads only for suites that are not measured may stay away.
  const external = UNUSED_PEERS.filter((name) => !name.startsWith("@noble"));
  const peer = { entryPoints: ["tests/mls/browser_ts_mls.mjs"], plugins: [], external };
  await esbuild.build({ ...SHARED, ...peer, ...folder, minify: true });
}

async function buildForNode(entryPoints) {
  await esbuild.build({
    ...SHARED,
    entryPoints,
    outbase: "tests",
    outdir: "dist-tests",
    platform: "node",
    external: ["esbuild"],
    sourcemap: "inline",
  });
}

async function buildTests() {
  const names = await readdir(path.join(HERE, "tests"), { recursive: true });
  const tests = names.filter((name) => name.endsWith(".test.ts"));
  await rm(path.join(HERE, "dist-tests"), { recursive: true, force: true });
  await buildForNode([...tests.map((name) => path.join("tests", name)), ...TOOLS]);
}

if (process.argv.includes("--tests")) {
  await buildTests();
} else if (process.argv.includes("--tools")) {
  await buildForNode(TOOLS);
  await buildForBrowser();
} else if (process.argv.includes("--watch")) {
  const context = await esbuild.context(await clientOptions({ watch: true }));
  await context.watch();
} else {
  await esbuild.build(await clientOptions({ watch: false }));
}
