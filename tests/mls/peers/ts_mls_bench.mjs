// What ts-mls takes for the operations that benchmarks/mls measures on our side, in milliseconds.
//
// It runs in Node and in a browser's Worker, so the library comes in as an argument.

/** What all threads of the process did so far, in milliseconds; a browser does not say. */
function worked() {
  const { user, system } = globalThis.process?.cpuUsage() ?? { user: Infinity, system: 0 };
  return (user + system) / 1000;
}

/** The best round, by the clock or by the work of the process: whatever else runs only adds. */
async function timed(repeats, operation) {
  let best = Infinity;
  let result;
  for (let round = 0; round < repeats; round++) {
    const before = worked();
    const begun = performance.now();
    result = await operation(round);
    const clock = performance.now() - begun;
    const work = worked() - before; // not a number in a browser
    best = Math.min(best, clock, Number.isNaN(work) ? clock : work);
  }
  return [best, result];
}

async function contextFor(mls, suite) {
  return {
    cipherSuite: await mls.defaultCryptoProvider.getCiphersuiteImpl(suite),
    authService: mls.unsafeTestingAuthenticationService,
  };
}

async function packageFor(mls, context, name) {
  const now = Math.floor(Date.now() / 1000);
  return mls.generateKeyPackage({
    credential: {
      credentialType: mls.defaultCredentialTypes.basic,
      identity: new TextEncoder().encode(name),
    },
    lifetime: { notBefore: BigInt(now - 86400), notAfter: BigInt(now + 80 * 86400) },
    cipherSuite: context.cipherSuite,
  });
}

/** `keep`, if there is one, stores bytes durably; then that is measured too. */
export async function bench(mls, { suite, members, repeats, quick, sizes }, keep) {
  const context = await contextFor(mls, suite);
  const adding = ({ publicPackage: keyPackage }) => ({
    proposalType: mls.defaultProposalTypes.add, add: { keyPackage },
  });
  const milliseconds = {};
  const packages = [];
  for (let n = 0; n <= members; n++) packages.push(await packageFor(mls, context, `member ${n}`));
  const [first, ...others] = packages;
  const newcomer = others.pop();
  let alone;
  [milliseconds.create, alone] = await timed(repeats, () => mls.createGroup({
    context, groupId: new Uint8Array(16),
    keyPackage: first.publicPackage, privateKeyPackage: first.privatePackage,
  }));
  const options = { context, wireAsPublicMessage: true, ratchetTreeExtension: true };
  const filled = await mls.createCommit({
    ...options, state: alone, extraProposals: others.map(adding),
  });
  let state = filled.newState;
  let other;
  [milliseconds.join, other] = await timed(repeats, () => mls.joinGroup({
    context, welcome: filled.welcome.welcome,
    keyPackage: others[0].publicPackage, privateKeys: others[0].privatePackage,
  }));
  // ts-mls wipes what a step used up, so each round goes on from the state before it.
  const encoded = (kept) => mls.encode(mls.clientStateEncoder, kept);
  const copy = (kept) => mls.decode(mls.clientStateDecoder, encoded(kept));
  let states = Array.from({ length: repeats }, () => copy(state));
  [milliseconds.add] = await timed(repeats, (round) => mls.createCommit({
    ...options, state: states[round], extraProposals: [adding(newcomer)],
  }));
  states = Array.from({ length: repeats }, () => copy(state));
  let committed;
  [milliseconds.commit, committed] = await timed(repeats, (round) => mls.createCommit({
    ...options, state: states[round],
  }));
  const written = mls.encode(mls.mlsMessageEncoder, committed.commit);
  milliseconds["commit bytes"] = written.length;
  states = Array.from({ length: repeats }, () => copy(other));
  let processed;
  [milliseconds.process, processed] = await timed(repeats, (round) => mls.processMessage({
    context, state: states[round], message: mls.decode(mls.mlsMessageDecoder, written),
  }));
  state = committed.newState;
  other = processed.newState;
  const say = async (message) => {
    const made = await mls.createApplicationMessage({ context, state, message });
    state = made.newState;
    return mls.encode(mls.mlsMessageEncoder, made.message);
  };
  for (const size of sizes) {
    const sent = [];
    const message = new Uint8Array(size);
    [milliseconds[`encrypt ${size}`]] = await timed(repeats * quick, async () => {
      sent.push(await say(message));
    });
    [milliseconds[`decrypt ${size}`]] = await timed(repeats * quick, async (round) => {
      const heard = mls.decode(mls.mlsMessageDecoder, sent[round]);
      const opened = await mls.processMessage({ context, state: other, message: heard });
      other = opened.newState;
    });
    if (keep === undefined) continue;
    [milliseconds[`encrypt and keep ${size}`]] = await timed(repeats * quick, async () => {
      await say(message);
      await keep(encoded(state));
    });
  }
  [milliseconds.save] = await timed(repeats, () => encoded(state));
  milliseconds["state bytes"] = encoded(state).length;
  return milliseconds;
}
