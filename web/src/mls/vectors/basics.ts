// Vectors of the codec, the cryptographic operations and the messages.

import { type Codec, Reader, decodeAs, encodeAs } from "../codec.ts";
import { HPKECiphertext } from "../crypto/hpke.ts";
import { asHpkePrivateKey, asSignaturePrivateKey } from "../crypto/secrets.ts";
import { type CipherSuite, cipherSuite } from "../crypto/suites.ts";
import { Commit } from "../messages/commits.ts";
import { MLSMessage } from "../messages/mls_message.ts";
import {
  Add,
  ExternalInit,
  GroupContextExtensions,
  PreSharedKey,
  ReInit,
  Remove,
  Update,
} from "../messages/proposals.ts";
import { RatchetTreeExtension } from "../messages/ratchet_tree.ts";
import { GroupSecrets } from "../messages/welcome.ts";
import { type Case, expect, expectBytes } from "./expect.ts";

export function checkDeserialization(vector: Case): void {
  const reader = new Reader(vector.bytes("vlbytes_header"));
  expect("length", reader.length(), vector.number("length"));
  reader.finish();
}

export function checkMessages(vector: Case): void {
  checkRoundTrip(MLSMessage, vector, ["mls_welcome", "mls_group_info", "mls_key_package"]);
  checkRoundTrip(RatchetTreeExtension, vector, ["ratchet_tree"]);
  checkRoundTrip(GroupSecrets, vector, ["group_secrets"]);
  checkRoundTrip(Add, vector, ["add_proposal"]);
  checkRoundTrip(Update, vector, ["update_proposal"]);
  checkRoundTrip(Remove, vector, ["remove_proposal"]);
  checkRoundTrip(PreSharedKey, vector, ["pre_shared_key_proposal"]);
  checkRoundTrip(ReInit, vector, ["re_init_proposal"]);
  checkRoundTrip(ExternalInit, vector, ["external_init_proposal"]);
  checkRoundTrip(GroupContextExtensions, vector, ["group_context_extensions_proposal"]);
  checkRoundTrip(Commit, vector, ["commit"]);
  checkRoundTrip(MLSMessage, vector, ["public_message_application", "public_message_proposal"]);
  checkRoundTrip(MLSMessage, vector, ["public_message_commit", "private_message"]);
}

function checkRoundTrip<T>(codec: Codec<T>, vector: Case, names: readonly string[]): void {
  for (const name of names) {
    const data = vector.bytes(name);
    expectBytes(name, encodeAs(codec, decodeAs(codec, data)), data);
  }
}

export async function checkCryptoBasics(vector: Case): Promise<void> {
  const suite = cipherSuite(vector.number("cipher_suite"));
  checkRefHash(suite, vector.inner("ref_hash"));
  checkExpansions(suite, vector);
  await checkSignature(suite, vector.inner("sign_with_label"));
  await checkEncryption(suite, vector.inner("encrypt_with_label"));
}

function checkRefHash(suite: CipherSuite, part: Case): void {
  expectBytes("ref_hash", suite.refHash(part.text("label"), part.bytes("value")), part.bytes("out"));
}

function checkExpansions(suite: CipherSuite, vector: Case): void {
  const expanded = vector.inner("expand_with_label");
  const [secret, label] = [expanded.bytes("secret"), expanded.text("label")];
  const output = suite.expandWithLabel(secret, label, expanded.bytes("context"), expanded.number("length"));
  expectBytes("expand_with_label", output, expanded.bytes("out"));

  const derived = vector.inner("derive_secret");
  const computed = suite.deriveSecret(derived.bytes("secret"), derived.text("label"));
  expectBytes("derive_secret", computed, derived.bytes("out"));

  const inTree = vector.inner("derive_tree_secret");
  const [generation, length] = [inTree.number("generation"), inTree.number("length")];
  const treeSecret = suite.deriveTreeSecret(inTree.bytes("secret"), inTree.text("label"), generation, length);
  expectBytes("derive_tree_secret", treeSecret, inTree.bytes("out"));
}

async function checkSignature(suite: CipherSuite, part: Case): Promise<void> {
  const [key, label, content] = [part.bytes("pub"), part.text("label"), part.bytes("content")];
  const privateKey = asSignaturePrivateKey(part.bytes("priv"));
  expectBytes("public key", await suite.signature.publicKeyOf(privateKey), key);
  await suite.verifyWithLabel(key, label, content, part.bytes("signature"));
  const ours = await suite.signWithLabel(privateKey, label, content);
  await suite.verifyWithLabel(key, label, content, ours);
}

async function checkEncryption(suite: CipherSuite, part: Case): Promise<void> {
  const [label, context, plaintext] = [part.text("label"), part.bytes("context"), part.bytes("plaintext")];
  const theirs = HPKECiphertext.of({ kemOutput: part.bytes("kem_output"), ciphertext: part.bytes("ciphertext") });
  const ours = await suite.encryptWithLabel(part.bytes("pub"), label, context, plaintext);
  for (const sealed of [theirs, ours]) {
    const opened = await suite.decryptWithLabel(asHpkePrivateKey(part.bytes("priv")), label, context, sealed);
    expectBytes("decrypt_with_label", opened, plaintext);
  }
}
