// Clients of our own engine, driven line by line: a JSON request in, a JSON answer out.
//
// A refusal is answered with its code; anything else that is thrown is a bug and answered as one.

import process from "node:process";
import { createInterface } from "node:readline";
import { utf8 } from "../../src/bytes.ts";
import { MLSError, CredentialRefused } from "../../src/mls/errors.ts";
import "../../src/mls/crypto/more_suites.ts";
import { sameValue } from "../../src/mls/codec.ts";
import { cipherSuite } from "../../src/mls/crypto/suites.ts";
import { type PendingCommit, commit } from "../../src/mls/group/commit.ts";
import { createGroup } from "../../src/mls/group/create.ts";
import { asSecret } from "../../src/mls/crypto/secrets.ts";
import { type Group, type PskSource, noPsks } from "../../src/mls/group/group.ts";
import { join } from "../../src/mls/group/join.ts";
import { OwnKeyPackage, makeKeyPackage } from "../../src/mls/group/key_packages.ts";
import { PRIVATE, PUBLIC, encrypt, propose, proposeUpdate } from "../../src/mls/group/messages.ts";
import { joinFromOutside } from "../../src/mls/group/outside.ts";
import { process as take } from "../../src/mls/group/process.ts";
import { type SavedGroup, load, save } from "../../src/mls/group/storage.ts";
import { BasicCredential, Credential, type Judge } from "../../src/mls/messages/credentials.ts";
import { GroupInfo } from "../../src/mls/messages/group_info.ts";
import { asLeafIndex } from "../../src/mls/messages/indexes.ts";
import { UncheckedKeyPackage, checkKeyPackage } from "../../src/mls/messages/key_packages.ts";
import { Capabilities, Lifetime, MLS10 } from "../../src/mls/messages/leaf_nodes.ts";
import { MLSMessage, messageOf } from "../../src/mls/messages/mls_message.ts";
import { Add, type Proposal, Remove } from "../../src/mls/messages/proposals.ts";
import { RatchetTreeExtension } from "../../src/mls/messages/ratchet_tree.ts";
import { type Policy, policyOf } from "../../src/mls/public_group/policy.ts";
import { loadPublicGroup, savePublicGroup } from "../../src/mls/public_group/storage.ts";
import { PublicGroup } from "../../src/mls/public_group/public_group.ts";
import { Case, hex } from "../../src/mls/vectors/expect.ts";

import { sameState } from "./stage.ts";
import { STRUCTURES } from "./structures.ts";

const DAY = 24 * 3600;
const NOTHING = new Uint8Array(0);

type Answer = Readonly<Record<string, string | number | null>>;

/** A member keeps the name under which it came. */
const keepNames: Judge = ({ credential, predecessor }) => {
  if (predecessor !== null && !sameValue(Credential, credential, predecessor)) throw new CredentialRefused();
};

const byName: Policy["clientOf"] = ({ credential }) =>
  credential.kind === "BasicCredential" ? hex(credential.identity) : "";

/** The policy a request describes; the tests' own judges have names. */
function policyIn(request: Case): Policy {
  const judge = request.has("judge") && request.text("judge") === "keep names" ? keepNames : () => {};
  const now = request.has("now") ? request.number("now") : null;
  const clients = request.has("clients") ? { clientOf: byName } : {};
  return policyOf(judge, { now, longestLifetime: request.has("longest") ? request.number("longest") : 90 * DAY, ...clients });
}

class Client {
  #own: OwnKeyPackage | null = null;
  #group: Group | null = null;
  #pending: PendingCommit | null = null;
  /** The bytes of `#group`, if it went through them. */
  #saved: SavedGroup | null = null;
  #every = 1;
  #steps = 0;

  get own(): OwnKeyPackage {
    if (this.#own === null) throw new TypeError("there is no key package");
    return this.#own;
  }

  get group(): Group {
    if (this.#group === null) throw new TypeError("there is no group");
    return this.#group;
  }

  /** Every state goes through bytes, or every so-manieth where many members walk far. */
  keep(group: Group): void {
    this.#steps += 1;
    this.#saved = this.#steps % this.#every === 0 ? save(group) : null;
    this.#group = this.#saved === null ? group : load(this.#saved);
  }

  async new(request: Case): Promise<Answer> {
    if (request.has("every")) this.#every = request.number("every");
    const suite = cipherSuite(request.number("suite"));
    const now = BigInt(request.number("made"));
    const client = {
      suite,
      signatureKey: await suite.signature.generate(),
      credential: BasicCredential.of({ identity: utf8(request.text("name")) }),
      capabilities: Capabilities.of({
        versions: [MLS10],
        cipherSuites: [suite.number],
        extensions: [],
        proposals: [],
        credentials: [1, 2],
      }),
      extensions: [],
    };
    const lifetime = Lifetime.of({ notBefore: now - BigInt(DAY), notAfter: now + BigInt(80 * DAY) });
    this.#own = await makeKeyPackage(client, lifetime);
    const message = MLSMessage.encode(messageOf(this.#own.package));
    return { message: hex(message), own: hex(OwnKeyPackage.encode(this.#own)) };
  }

  use(request: Case): Answer {
    this.#own = OwnKeyPackage.decode(request.bytes("own"));
    return {};
  }

  async create(request: Case): Promise<Answer> {
    this.keep(await createGroup(this.own, request.bytes("groupId"), policyIn(request)));
    return {};
  }

  async join(request: Case): Promise<Answer> {
    const { body } = MLSMessage.decode(request.bytes("welcome"));
    if (body.kind !== "Welcome") throw new TypeError("no Welcome");
    const tree = request.has("tree") ? RatchetTreeExtension.decode(request.bytes("tree")) : null;
    const zeros: PskSource = () => asSecret(new Uint8Array(32));
    const psks = request.has("zeros") ? zeros : noPsks;
    const parent = request.has("parent") ? clientOf(request.text("parent")).group : null;
    const knownGroups = request.has("known") ? [request.bytes("known")] : [];
    this.keep(await join(body, this.own, policyIn(request), { tree, psks, parent, knownGroups }));
    return {};
  }

  async commit(request: Case): Promise<Answer> {
    const proposals = request.cases("proposals").map(proposalIn);
    const framing = request.number("isPrivate") === 1 ? PRIVATE : PUBLIC;
    this.#pending = await commit(this.group, { proposals, framing, path: request.number("path") === 1 }, policyIn(request));
    this.keep(this.#pending.before);
    const { message, welcome } = this.#pending;
    return { message: hex(MLSMessage.encode(message)), welcome: welcome === null ? null : hex(MLSMessage.encode(welcome)) };
  }

  accept(): Answer {
    if (this.#pending === null) throw new TypeError("nothing is pending");
    this.keep(this.#pending.group);
    this.#pending = null;
    return {};
  }

  async outside(request: Case): Promise<Answer> {
    const info = GroupInfo.decode(request.bytes("groupInfo"));
    const joined = await joinFromOutside(info, this.own, policyIn(request));
    this.keep(joined.group);
    return { message: hex(MLSMessage.encode(joined.message)) };
  }

  async propose(request: Case): Promise<Answer> {
    const framing = request.number("isPrivate") === 1 ? PRIVATE : PUBLIC;
    const policy = policyIn(request);
    const [proposal] = request.cases("proposals").map(proposalIn);
    const sent =
      proposal === undefined
        ? await proposeUpdate(this.group, policy, {}, framing)
        : await propose(this.group, proposal, policy, framing);
    this.keep(sent.group);
    return { message: hex(MLSMessage.encode(sent.message)) };
  }

  async encrypt(request: Case): Promise<Answer> {
    const authenticatedData = request.has("aad") ? request.bytes("aad") : NOTHING;
    const sent = await encrypt(this.group, request.bytes("data"), { authenticatedData, padding: 3 });
    this.keep(sent.group);
    return { message: hex(MLSMessage.encode(sent.message)) };
  }

  async process(request: Case): Promise<Answer> {
    const before = this.#saved;
    try {
      const message = MLSMessage.decode(request.bytes("message"));
      const received = await take(this.group, message, policyIn(request));
      if (received.kind === "RemovedFromGroup") this.#group = null;
      else this.keep(received.group);
      return { kind: received.kind, data: received.kind === "ApplicationMessage" ? hex(received.data) : null };
    } catch (error) {
      if (before !== null && !sameState(before, save(this.group))) {
        throw new TypeError("a refused message changed the state");
      }
      throw error;
    }
  }

  status(): Answer {
    const { epoch, epochAuthenticator } = this.group;
    const exported = this.group.export("agreement", NOTHING, 32);
    return { epoch: Number(epoch), exported: hex(exported), authenticator: hex(epochAuthenticator) };
  }

  async groupInfo(): Promise<Answer> {
    return { groupInfo: hex(GroupInfo.encode(await this.group.groupInfo({ withTree: true }))) };
  }

  save(): Answer {
    const saved = save(this.group);
    return { secret: hex(saved.secret), public: hex(saved.public) };
  }

  load(request: Case): Answer {
    const [secret, public_] = [request.bytes("secret"), request.bytes("public")];
    const saved = { secret, public: public_ };
    this.#group = load(saved);
    this.#saved = save(this.#group);
    if (!sameState(this.#saved, saved)) throw new TypeError("what was loaded is not saved as it was");
    return {};
  }

  /** What a server does with the same message. */
  async receive(request: Case): Promise<Answer> {
    const before = loadPublicGroup(request.bytes("group"));
    const { body } = MLSMessage.decode(request.bytes("message"));
    if (body.kind !== "PublicMessage") throw new TypeError("a server sees no other message");
    const after = await before.receive(body, policyIn(request));
    return { group: hex(savePublicGroup(after)) };
  }

  async public(request: Case): Promise<Answer> {
    const info = GroupInfo.decode(request.bytes("groupInfo"));
    return { group: hex(savePublicGroup(await PublicGroup.fromGroupInfo(info, policyIn(request)))) };
  }

  /** The names of the structures, one to a line. */
  structures(): Answer {
    return { names: [...STRUCTURES.keys()].join("\n") };
  }

  /** The bytes read as a structure and written again. */
  again(request: Case): Answer {
    const structure = STRUCTURES.get(request.text("structure"));
    if (structure === undefined) throw new TypeError("no such structure");
    return { data: hex(structure.encode(structure.decode(request.bytes("data")))) };
  }

  async checkPackage(request: Case): Promise<Answer> {
    const { now, judge, longestLifetime } = policyIn(request);
    const suites = [request.number("suite")];
    await checkKeyPackage(UncheckedKeyPackage.decode(request.bytes("package")), { now, suites, judge, longestLifetime });
    return {};
  }

  /** What a server does with a member's GroupInfo. */
  async checkGroupInfo(request: Case): Promise<Answer> {
    const info = GroupInfo.decode(request.bytes("groupInfo"));
    await loadPublicGroup(request.bytes("group")).checkGroupInfo(info);
    return {};
  }

  /** Whether the bytes are a message at all. */
  decode(request: Case): Answer {
    return { message: hex(MLSMessage.encode(MLSMessage.decode(request.bytes("message")))) };
  }
}

function proposalIn(change: Case): Proposal {
  if (!change.has("add")) return Remove.of({ removed: asLeafIndex(change.number("remove")) });
  const { body } = MLSMessage.decode(change.bytes("add"));
  if (body.kind !== "UncheckedKeyPackage") throw new TypeError("no key package");
  return Add.of({ keyPackage: body });
}

const OPERATIONS = {
  new: (client: Client, request: Case) => client.new(request),
  use: (client: Client, request: Case) => client.use(request),
  create: (client: Client, request: Case) => client.create(request),
  join: (client: Client, request: Case) => client.join(request),
  commit: (client: Client, request: Case) => client.commit(request),
  accept: (client: Client) => client.accept(),
  outside: (client: Client, request: Case) => client.outside(request),
  propose: (client: Client, request: Case) => client.propose(request),
  encrypt: (client: Client, request: Case) => client.encrypt(request),
  process: (client: Client, request: Case) => client.process(request),
  status: (client: Client) => client.status(),
  groupInfo: (client: Client) => client.groupInfo(),
  save: (client: Client) => client.save(),
  load: (client: Client, request: Case) => client.load(request),
  receive: (client: Client, request: Case) => client.receive(request),
  public: (client: Client, request: Case) => client.public(request),
  decode: (client: Client, request: Case) => client.decode(request),
  checkPackage: (client: Client, request: Case) => client.checkPackage(request),
  checkGroupInfo: (client: Client, request: Case) => client.checkGroupInfo(request),
  structures: (client: Client) => client.structures(),
  again: (client: Client, request: Case) => client.again(request),
} as const;

type Operation = (client: Client, request: Case) => Answer | Promise<Answer>;
const operations: ReadonlyMap<string, Operation> = new Map(Object.entries(OPERATIONS));
const clients = new Map<string, Client>();

function clientOf(name: string): Client {
  const client = clients.get(name) ?? new Client();
  clients.set(name, client);
  return client;
}

async function answer(line: string): Promise<Answer> {
  try {
    const request = Case.of(JSON.parse(line));
    const client = clientOf(request.text("client"));
    const operation = operations.get(request.text("operation"));
    if (operation === undefined) throw new TypeError("no such operation");
    return await operation(client, request);
  } catch (error) {
    if (error instanceof MLSError) return { refused: error.code };
    return { bug: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await answer(line))}\n`);
}
