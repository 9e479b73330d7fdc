// Becoming a device, and being it again: no accident may lose the account's identity key.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ProblemError } from "../src/api/http.ts";
import { randomBytes, toBase64 } from "../src/bytes.ts";
import { bindDevice, createDevice, unlock } from "../src/worker/registration.ts";
import { MemoryStore } from "./memory-store.ts";
import { Relay } from "./relay.ts";

const OFFLINE = new ProblemError("offline", "The server cannot be reached.");

function newcomer() {
  const relay = new Relay();
  const personId = crypto.randomUUID();
  const [store, server] = [new MemoryStore(), relay.serverFor(personId)];
  const options = { personId, name: "Test", challenge: toBase64(randomBytes(32)), beginsAnew: false, forgetOld: false };
  return { relay, store, server, options };
}

test("a registered device opens what it keeps", async () => {
  const { store, server, options } = newcomer();

  const deviceId = await createDevice(store, server, options);
  const opened = await unlock(store, server);

  assert.equal(opened.deviceId, deviceId);
  assert.equal((await store.device())?.registration, null);
  assert.equal(opened.identity.identityPrivateKey.length, 44);
});

test("only a person who asks for it begins anew", async () => {
  const asked: boolean[] = [];
  for (const beginsAnew of [false, true]) {
    const { store, server, options } = newcomer();
    const register = server.registerDevice.bind(server);
    server.registerDevice = (device) => {
      asked.push(device.begins_anew);
      return register(device);
    };
    await createDevice(store, server, { ...options, beginsAnew });
  }

  assert.deepEqual(asked, [false, true]);
});

test("a registration whose answer was lost is finished with the same keys", async () => {
  const { relay, store, server, options } = newcomer();
  const register = server.registerDevice.bind(server);
  server.registerDevice = async (device) => {
    await register(device);
    throw OFFLINE;
  };

  await assert.rejects(createDevice(store, server, options), { code: "offline" });
  const opened = await unlock(store, server);

  assert.deepEqual([...relay.devices.keys()], [opened.deviceId]);
});

test("a registration that never arrived is made again with the same keys", async () => {
  const { relay, store, server, options } = newcomer();
  const register = server.registerDevice.bind(server);
  const credentials: string[] = [];
  server.registerDevice = async (device) => {
    credentials.push(device.credential);
    if (credentials.length === 1) throw OFFLINE;
    return register(device);
  };

  await assert.rejects(createDevice(store, server, options), { code: "offline" });
  await createDevice(store, server, options);

  assert.equal(new Set(credentials).size, 1);
  assert.equal(relay.devices.size, 1);
});

test("a repeated registration that is refused is seen to have worked", async () => {
  const { relay, store, server, options } = newcomer();
  const register = server.registerDevice.bind(server);
  server.registerDevice = async (device) => {
    if (relay.devices.has(device.id)) throw new ProblemError("device_limit", "", 409);
    await register(device);
    throw OFFLINE;
  };

  await assert.rejects(createDevice(store, server, options), { code: "offline" });
  const deviceId = await createDevice(store, server, options);

  assert.equal((await unlock(store, server)).deviceId, deviceId);
});

test("a browser without keys, or whose session sits on another device, is locked out", async () => {
  const { relay, store, server, options } = newcomer();
  await createDevice(store, server, options);
  const elsewhere = relay.serverFor(options.personId);
  await createDevice(new MemoryStore(), elsewhere, options);

  await assert.rejects(unlock(new MemoryStore(), server), { code: "locked_out" });
  await assert.rejects(bindDevice(new MemoryStore(), server, options.challenge), { code: "locked_out" });
  await assert.rejects(unlock(store, elsewhere), { code: "locked_out" });
});

test("an earlier device is forgotten when the person says so, and not on the server's word", async () => {
  const { relay, store, server, options } = newcomer();
  const first = await createDevice(store, server, options);
  relay.devices.clear(); // as if the server knew nothing of it

  await assert.rejects(createDevice(store, server, options), { code: "old_keys_here" });
  const kept = await store.device();
  const second = await createDevice(store, server, { ...options, forgetOld: true });

  assert.equal(kept?.deviceId, first);
  assert.notEqual(second, first);
  assert.equal((await unlock(store, server)).deviceId, second);
});
