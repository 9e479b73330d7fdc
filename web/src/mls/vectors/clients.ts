// Vectors of whole clients: the Welcome, and passive members that follow a group.

import { hex } from "./expect.ts";
import { asHpkePrivateKey, asSecret, asSignaturePrivateKey } from "../crypto/secrets.ts";
import { cipherSuite } from "../crypto/suites.ts";
import type { Group, PskSource } from "../group/group.ts";
import { join, openGroupInfo, openGroupSecrets } from "../group/join.ts";
import { OwnKeyPackage, suiteOf } from "../group/key_packages.ts";
import { process } from "../group/process.ts";
import { GroupContext } from "../messages/group_context.ts";
import { checkGroupInfoSignature } from "../messages/group_info.ts";
import type { UncheckedKeyPackage } from "../messages/key_packages.ts";
import { MLSMessage } from "../messages/mls_message.ts";
import { RatchetTreeExtension } from "../messages/ratchet_tree.ts";
import type { Welcome } from "../messages/welcome.ts";
import { policyOf } from "../public_group/policy.ts";
import { Joiner, checkConfirmationTag } from "../schedule/key_schedule.ts";
import { pskSecret } from "../schedule/psks.ts";
import { type Case, VectorMismatch, expect, expectBytes, unhex } from "./expect.ts";

/** The vectors' credentials are names without anyone behind them. */
const POLICY = policyOf(() => {});

function readKeyPackage(vector: Case): UncheckedKeyPackage {
  const { body } = MLSMessage.decode(vector.bytes("key_package"));
  if (body.kind !== "UncheckedKeyPackage") throw new VectorMismatch("the vector is not a key package");
  return body;
}

function readWelcome(vector: Case): Welcome {
  const { body } = MLSMessage.decode(vector.bytes("welcome"));
  if (body.kind !== "Welcome") throw new VectorMismatch("the vector is not a Welcome");
  return body;
}

export async function checkWelcome(vector: Case): Promise<void> {
  const suite = cipherSuite(vector.number("cipher_suite"));
  const welcome = readWelcome(vector);
  const own = OwnKeyPackage.of({
    package: readKeyPackage(vector),
    initKey: asHpkePrivateKey(vector.bytes("init_priv")),
    encryptionKey: asHpkePrivateKey(new Uint8Array(0)),
    signatureKey: asSignaturePrivateKey(new Uint8Array(0)),
  });
  const secrets = await openGroupSecrets(welcome, own);
  expect("psks", secrets.psks, []);
  const joiner = new Joiner(suite, secrets.joinerSecret, pskSecret(suite, []));
  const info = await openGroupInfo(welcome, joiner);
  await checkGroupInfoSignature(suite, info, vector.bytes("signer_pub"));
  const context = info.groupContext;
  const start = joiner.epochSecrets(GroupContext.encode(context));
  checkConfirmationTag(suite, start.secrets, context.confirmedTranscriptHash, info.confirmationTag);
}

export async function checkPassiveClient(vector: Case): Promise<void> {
  const own = OwnKeyPackage.of({
    package: readKeyPackage(vector),
    initKey: asHpkePrivateKey(vector.bytes("init_priv")),
    encryptionKey: asHpkePrivateKey(vector.bytes("encryption_priv")),
    signatureKey: asSignaturePrivateKey(vector.bytes("signature_priv")),
  });
  await checkOwnKeys(own);
  const external = new Map(vector.cases("external_psks").map((psk) => [psk.text("psk_id"), asSecret(psk.bytes("psk"))]));
  const psks: PskSource = (name) => (name.kind === "ExternalPsk" ? (external.get(hex(name.pskId)) ?? null) : null);
  const beside = vector.bytesOrNull("ratchet_tree");
  const tree = beside === null ? null : RatchetTreeExtension.decode(beside);
  let group = await join(readWelcome(vector), own, POLICY, { tree, psks });
  expectBytes("initial authenticator", group.epochAuthenticator, vector.bytes("initial_epoch_authenticator"));
  for (const epoch of vector.cases("epochs")) group = await follow(group, epoch, psks);
}

async function checkOwnKeys(own: OwnKeyPackage): Promise<void> {
  const { hpke, signature } = suiteOf(own);
  const { initKey, leafNode } = own.package;
  expectBytes("init key", await hpke.kem.publicKeyOf(own.initKey), initKey);
  expectBytes("encryption key", await hpke.kem.publicKeyOf(own.encryptionKey), leafNode.encryptionKey);
  expectBytes("signature key", await signature.publicKeyOf(own.signatureKey), leafNode.signatureKey);
}

async function follow(before: Group, epoch: Case, psks: PskSource): Promise<Group> {
  let group = before;
  for (const proposal of epoch.list("proposals")) {
    if (typeof proposal !== "string") throw new VectorMismatch("a proposal is no text");
    const received = await process(group, MLSMessage.decode(unhex(proposal)), POLICY, psks);
    if (received.kind !== "ProposalReceived") throw new VectorMismatch("the vector is not a proposal");
    ({ group } = received);
  }
  const committed = await process(group, MLSMessage.decode(epoch.bytes("commit")), POLICY, psks);
  if (committed.kind !== "CommitReceived") throw new VectorMismatch("the vector is not a commit that we stay in for");
  expectBytes("authenticator", committed.group.epochAuthenticator, epoch.bytes("epoch_authenticator"));
  return committed.group;
}
