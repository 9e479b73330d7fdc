// Clients made of ts-mls, driven line by line: a JSON request in, a JSON answer out.
import { createInterface } from "node:readline";

import { p256, p384, p521 } from "@noble/curves/nist.js";
import * as mls from "ts-mls";

import { bench } from "./ts_mls_bench.mjs";

const clients = new Map();
const suites = new Map();
const nist = { 2: p256, 5: p521, 7: p384 };
const bytes = (hex) => new Uint8Array(Buffer.from(hex, "hex"));
const hex = (data) => Buffer.from(data).toString("hex");

async function contextOf(suite) {
  if (!suites.has(suite)) {
    suites.set(suite, await mls.defaultCryptoProvider.getCiphersuiteImpl(suite));
  }
  return {
    cipherSuite: suites.get(suite),
    authService: mls.unsafeTestingAuthenticationService,
    clientConfig: {
      keyRetentionConfig: { ...mls.defaultKeyRetentionConfig, retainKeysForGenerations: 50 },
      lifetimeConfig: mls.defaultLifetimeConfig,
      keyPackageEqualityConfig: mls.defaultKeyPackageEqualityConfig,
      paddingConfig: mls.defaultPaddingConfig,
    },
  };
}

function read(data) {
  const message = mls.decode(mls.mlsMessageDecoder, bytes(data));
  if (message === undefined) throw new Error("the message cannot be read");
  return message;
}

const write = (message) => hex(mls.encode(mls.mlsMessageEncoder, message));

function proposalOf({ add, remove }) {
  if (add !== undefined) {
    const { keyPackage } = read(add);
    return { proposalType: mls.defaultProposalTypes.add, add: { keyPackage } };
  }
  return { proposalType: mls.defaultProposalTypes.remove, remove: { removed: remove } };
}

// ts-mls writes the public keys of NIST curves compressed, which RFC 9420 section 5.1.1 forbids.
async function signatureKeys({ cipherSuite }, suite, compressed) {
  const made = await cipherSuite.signature.keygen();
  if (nist[suite] === undefined || compressed) return made;
  return { signKey: made.signKey, publicKey: nist[suite].getPublicKey(made.signKey, false) };
}

const operations = {
  async new(client, { name, suite, now, compressed }) {
    const context = await contextOf(suite);
    const made = await mls.generateKeyPackageWithKey({
      signatureKeyPair: await signatureKeys(context, suite, compressed),
      credential: {
        credentialType: mls.defaultCredentialTypes.basic,
        identity: new TextEncoder().encode(name),
      },
      lifetime: { notBefore: BigInt(now - 86400), notAfter: BigInt(now + 80 * 86400) },
      cipherSuite: context.cipherSuite,
    });
    Object.assign(client, { context, made });
    const wireformat = mls.wireformats.mls_key_package;
    return { message: write({ version: 1, wireformat, keyPackage: made.publicPackage }) };
  },

  async create(client, { groupId }) {
    const { publicPackage: keyPackage, privatePackage: privateKeyPackage } = client.made;
    const { context } = client;
    client.state = await mls.createGroup({
      context, groupId: bytes(groupId), keyPackage, privateKeyPackage,
    });
    return {};
  },

  async join(client, { welcome }) {
    const { publicPackage: keyPackage, privatePackage: privateKeys } = client.made;
    client.state = await mls.joinGroup({
      context: client.context, welcome: read(welcome).welcome, keyPackage, privateKeys,
    });
    return {};
  },

  async commit(client, { proposals, isPrivate }) {
    const made = await mls.createCommit({
      context: client.context,
      state: client.state,
      wireAsPublicMessage: !isPrivate,
      extraProposals: proposals.map(proposalOf),
      ratchetTreeExtension: true,
    });
    client.pending = made.newState;
    return { message: write(made.commit), welcome: made.welcome && write(made.welcome) };
  },

  async accept(client) {
    client.state = client.pending;
    return {};
  },

  async propose(client, { proposal, isPrivate }) {
    const made = await mls.createProposal({
      context: client.context,
      state: client.state,
      wireAsPublicMessage: !isPrivate,
      proposal: proposalOf(proposal),
    });
    client.state = made.newState;
    return { message: write(made.message) };
  },

  async encrypt(client, { data, authenticatedData }) {
    const made = await mls.createApplicationMessage({
      context: client.context,
      state: client.state,
      message: bytes(data),
      authenticatedData: bytes(authenticatedData),
    });
    client.state = made.newState;
    return { message: write(made.message) };
  },

  async process(client, { message }) {
    const { context, state } = client;
    const done = await mls.processMessage({ context, state, message: read(message) });
    client.state = done.newState;
    if (done.kind !== "applicationMessage") return {};
    return { data: hex(done.message), authenticatedData: hex(done.aad) };
  },

  async status(client) {
    const { keySchedule, groupContext } = client.state;
    const label = "agreement";
    const exported = await mls.mlsExporter(
      keySchedule.exporterSecret, label, new Uint8Array(), 32, client.context.cipherSuite,
    );
    return {
      authenticator: hex(keySchedule.epochAuthenticator),
      exported: hex(exported),
      epoch: Number(groupContext.epoch),
    };
  },
};

operations.bench = async (_client, request) => ({ milliseconds: await bench(mls, request) });

async function answer(request) {
  if (!clients.has(request.client)) clients.set(request.client, {});
  try {
    return await operations[request.operation](clients.get(request.client), request);
  } catch (error) {
    return { error: `${error.name}: ${error.message}` };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(JSON.stringify(await answer(JSON.parse(line))) + "\n");
}
