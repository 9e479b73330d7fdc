// Files between two engines and a relay: whatever happens on the way, what arrives is what was sent,
// or nothing.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ProblemError } from "../src/api/http.ts";
import { nameFor } from "../src/attachments/uploads.ts";
import { type Bytes, randomBytes, toBase64, utf8 } from "../src/bytes.ts";
import type { DownloadView, MessageView } from "../src/worker/protocol.ts";
import { type Browser, direct, signUp, until } from "./people.ts";
import { Relay } from "./relay.ts";

const CANARY = "canary-in-a-file-51c7";
const NAME = "plans for the canal.pdf";

/** About a million bytes that begin with the canary. */
function content(): Bytes {
  const bytes = new Uint8Array(1_000_000);
  for (let at = 0; at < bytes.length; at += 50_000) bytes.set(randomBytes(50_000), at);
  bytes.set(utf8(CANARY));
  return bytes;
}

function pdf(bytes: Bytes, name = NAME): File {
  return new File([bytes], name, { type: "application/pdf" });
}

async function two() {
  const relay = new Relay();
  const [alice, bob] = [await signUp(relay, "Alice"), await signUp(relay, "Bob")];
  return { relay, alice, bob, id: await direct(alice, bob) };
}

async function fileAt(browser: Browser, id: string): Promise<MessageView> {
  let found: MessageView | undefined;
  await until(async () => {
    found = browser.knows(id) ? (await browser.messages(id)).find(({ kind }) => kind === "file") : undefined;
    return found !== undefined && found.delivery !== "sending";
  }, "the message with the file is there");
  assert(found);
  return found;
}

function lastDownload(browser: Browser, messageId: string): DownloadView | undefined {
  const told = browser.notifications.filter((one) => one.type === "download").map(({ download }) => download);
  return told.filter((download) => download.messageId === messageId).at(-1);
}

async function downloaded(browser: Browser, id: string): Promise<DownloadView> {
  const message = await fileAt(browser, id);
  await browser.engine.files.download(message.id);
  await until(() => lastDownload(browser, message.id)?.state !== "running", "the download ends");
  const download = lastDownload(browser, message.id);
  assert(download);
  return download;
}

async function bytesOf(download: DownloadView): Promise<Bytes> {
  assert(download.file, `${download.state} ${download.problem?.code}`);
  return new Uint8Array(await download.file.arrayBuffer());
}

function send(browser: Browser, id: string, file: File, uploadId: string = crypto.randomUUID()) {
  return browser.engine.sendFile(id, file, uploadId);
}

async function waits(browser: Browser): Promise<void> {
  await until(() => browser.engine.files.uploads()[0]?.state === "waiting", "the upload waits");
}

test("a file arrives as it was sent, with its name, type and size", async () => {
  const { alice, bob, id } = await two();
  const bytes = content();

  await send(alice, id, pdf(bytes));

  const message = await fileAt(bob, id);
  assert.deepEqual(message.file, { name: NAME, mediaType: "application/pdf", size: bytes.length });
  assert.equal(message.text, NAME);
  assert.deepEqual(await bytesOf(await downloaded(bob, id)), bytes);
  assert.deepEqual(await bytesOf(await downloaded(alice, id)), bytes);
  assert.deepEqual(alice.engine.files.uploads(), []);
  assert.deepEqual(await alice.staging.names(), []);
});

test("an empty file arrives too", async () => {
  const { alice, bob, id } = await two();

  await send(alice, id, pdf(new Uint8Array(), "empty"));

  assert.equal((await bytesOf(await downloaded(bob, id))).length, 0);
});

test("the relay sees neither name, type nor content, and the store keeps them sealed", async () => {
  const { relay, alice, bob, id } = await two();

  await send(alice, id, pdf(content()));
  await downloaded(bob, id);

  const files = [...relay.files.values()].map(({ bytes }) => String.fromCharCode(...bytes.subarray(0, 100)));
  const log = relay.conversation(id).log.map(({ data }) => atob(data));
  const rows = [...alice.store.rows.values()].flatMap((store) => [...store.values()]);
  const all = [...files, ...log, ...rows.map(({ sealed }) => String.fromCharCode(...sealed))].join("");
  for (const secret of [CANARY, NAME, "application/pdf"]) assert.equal(all.includes(secret), false);
});

test("the server is told beforehand which message will keep the file", async () => {
  const { relay, alice, bob, id } = await two();

  await send(alice, id, pdf(content()));
  await fileAt(bob, id);

  const [file] = [...relay.files.values()];
  const messages = relay.conversation(id).log.filter(({ kind }) => kind === "message");
  assert.deepEqual(messages.map(({ message_id }) => message_id), [file?.messageId]);
});

test("a cut network costs one part, and the upload goes on by itself", async () => {
  const { alice, bob, id } = await two();
  const bytes = content();
  let parts = 0;
  alice.server.files.before = () => {
    parts += 1;
    if (parts === 4) alice.server.goOffline();
  };

  await send(alice, id, pdf(bytes));
  await waits(alice);
  assert.equal((await alice.messages(id)).some(({ kind }) => kind === "file"), false);
  alice.server.goOnline();

  assert.deepEqual(await bytesOf(await downloaded(bob, id)), bytes);
  assert.deepEqual(alice.server.files.offsets, Array.from({ length: 11 }, (_, part) => part * 100_000));
});

test("a lost answer is no lost part", async () => {
  const { alice, bob, id } = await two();
  const bytes = content();
  alice.server.files.loseNextAnswer = true;

  await send(alice, id, pdf(bytes));
  await waits(alice);
  alice.engine.files.resume();

  assert.deepEqual(await bytesOf(await downloaded(bob, id)), bytes);
  assert.equal(alice.server.files.offsets.length, 11);
});

test("an upload goes on after a reload", async () => {
  const { alice, bob, id } = await two();
  const bytes = content();
  alice.server.files.before = () => alice.server.goOffline();
  await send(alice, id, pdf(bytes));
  await waits(alice);

  alice.server.files.before = () => undefined;
  alice.server.goOnline();
  await alice.reload();

  assert.deepEqual(await bytesOf(await downloaded(bob, id)), bytes);
  assert.equal((await bob.messages(id)).filter(({ kind }) => kind === "file").length, 1);
});

test("a file that was not read to its end has to be chosen again", async () => {
  const { alice, id } = await two();
  alice.server.files.before = () => alice.server.goOffline();
  await send(alice, id, pdf(content()));
  await waits(alice);
  await alice.close();
  for (const name of await alice.staging.names()) await alice.staging.remove(name);

  alice.server.goOnline();
  await alice.open();

  await until(() => alice.engine.files.uploads()[0]?.state === "failed", "it has failed");
  assert.equal(alice.engine.files.uploads()[0]?.problem?.code, "file_lost");
});

test("a call that is made again after its leader's death begins the file anew", async () => {
  const { alice, bob, id } = await two();
  const uploadId = crypto.randomUUID();
  const write = alice.staging.write.bind(alice.staging);
  alice.staging.write = () => new Promise(() => undefined);
  void send(alice, id, pdf(content()), uploadId);
  await until(() => alice.engine.files.uploads().length === 1, "it has begun");
  alice.staging.write = write;
  await alice.reload();
  assert.equal(alice.engine.files.uploads()[0]?.problem?.code, "file_lost");

  const bytes = content();
  await send(alice, id, pdf(bytes), uploadId);

  assert.deepEqual(await bytesOf(await downloaded(bob, id)), bytes);
});

test("a file that is chosen without a connection goes when there is one", async () => {
  const { alice, bob, id } = await two();
  const bytes = content();
  alice.server.goOffline();

  await send(alice, id, pdf(bytes));
  await waits(alice);
  alice.server.goOnline();

  assert.deepEqual(await bytesOf(await downloaded(bob, id)), bytes);
});

test("the same call again is the same file", async () => {
  const { alice, bob, id } = await two();
  const uploadId = crypto.randomUUID();

  await Promise.all([send(alice, id, pdf(content()), uploadId), send(alice, id, pdf(content()), uploadId)]);
  await fileAt(bob, id);

  assert.equal(alice.server.relay.files.size, 1);
});

test("a cancelled upload leaves nothing, here and there", async () => {
  const { relay, alice, id } = await two();
  let reached = false;
  alice.server.files.before = () => {
    reached = true;
  };
  alice.server.files.loseNextAnswer = true;
  const { uploadId } = await send(alice, id, pdf(content()));
  await waits(alice);

  await alice.engine.files.cancel(uploadId);

  assert.equal(reached, true);
  assert.deepEqual([relay.files.size, alice.engine.files.uploads().length], [0, 0]);
  assert.deepEqual(await alice.staging.names(), []);
  await alice.reload();
  assert.deepEqual(alice.engine.files.uploads(), []);
});

test("a file that is too large is refused before it is read", async () => {
  const { relay, alice, id } = await two();
  alice.server.files.maxBytes = 500_000;

  await assert.rejects(send(alice, id, pdf(content())), { code: "attachment_too_large" });

  const { maxBytes } = await alice.engine.files.limit();
  await send(alice, id, pdf(new Uint8Array(maxBytes)));
  await until(() => relay.files.size === 1, "the largest one that is said to go goes");
});

test("a refused upload says why, and can be tried again", async () => {
  const { relay, alice, bob, id } = await two();
  const bytes = content();
  let refuse = true;
  const { files } = alice.server;
  const begin = files.begin.bind(files);
  files.begin = async (...args) => {
    if (refuse) throw new ProblemError("attachment_quota_exceeded", "no room", 409);
    return begin(...args);
  };
  const { uploadId } = await send(alice, id, pdf(bytes));
  await until(() => alice.engine.files.uploads()[0]?.state === "failed", "it is refused");
  assert.equal(alice.engine.files.uploads()[0]?.problem?.code, "attachment_quota_exceeded");

  refuse = false;
  await alice.engine.files.retry(uploadId);

  assert.deepEqual(await bytesOf(await downloaded(bob, id)), bytes);
  assert.equal(relay.files.size, 1);
});

test("a cut network is waited for on the way down", async () => {
  const { alice, bob, id } = await two();
  const bytes = new Uint8Array(5_000_000).fill(7);
  await send(alice, id, pdf(bytes));
  const message = await fileAt(bob, id);
  let ranges = 0;
  bob.server.files.before = (what) => {
    ranges += 1;
    if (what === "range" && ranges === 2) bob.server.goOffline();
    setTimeout(() => bob.server.goOnline(), 500);
  };

  await bob.engine.files.download(message.id);
  await until(() => lastDownload(bob, message.id)?.state === "done", "the download ends");

  assert.deepEqual(await bytesOf(lastDownload(bob, message.id) as DownloadView), bytes);
  assert.equal(ranges, 3);
});

test("nothing is kept of a file that the server has changed", async () => {
  const { alice, bob, id } = await two();
  await send(alice, id, pdf(content()));
  bob.server.files.tamper = (bytes) => {
    const changed = bytes.slice();
    changed[500_000] = (changed[500_000] ?? 0) ^ 1;
    return changed;
  };

  const refused = await downloaded(bob, id);
  bob.server.files.tamper = (bytes) => bytes.slice(0, -70_000);
  const shorter = await downloaded(bob, id);

  for (const download of [refused, shorter]) {
    assert.deepEqual([download.state, download.file], ["failed", null]);
    assert.equal(download.problem?.code, "file_refused");
  }
});

test("names are made such that nobody refuses them", () => {
  assert.equal(nameFor("a/b\\c\u202egnp.exe"), "a_b_c_gnp.exe");
  assert.equal(nameFor("half \ud83d of a pair"), "half _ of a pair");
  assert.equal(nameFor(""), "file");
  assert.equal([...nameFor("🙂".repeat(300) + ".png")].length, 255);
  assert.equal(nameFor("x".repeat(300) + ".png").endsWith(".png"), true);
});

test("what two files hold is not told by equal ciphertexts", async () => {
  const { relay, alice, bob, id } = await two();
  const bytes = content();

  await send(alice, id, pdf(bytes));
  await send(alice, id, pdf(bytes));
  await until(async () => bob.knows(id) && (await bob.messages(id)).length === 2, "both are there");

  const [one, other] = [...relay.files.values()].map((file) => toBase64(file.bytes.subarray(0, 64)));
  assert.notEqual(one, other);
});
