"""Vectors of the codec, the cryptographic operations and the messages."""

from typing import Any

from securechat_sdk.mls.codec import Reader, Struct
from securechat_sdk.mls.crypto.hpke import HPKECiphertext
from securechat_sdk.mls.crypto.secrets import HpkePrivateKey, SignaturePrivateKey
from securechat_sdk.mls.crypto.suites import CipherSuite, cipher_suite
from securechat_sdk.mls.messages.commits import Commit
from securechat_sdk.mls.messages.mls_message import MLSMessage
from securechat_sdk.mls.messages.proposals import (
    Add,
    ExternalInit,
    GroupContextExtensions,
    PreSharedKey,
    ReInit,
    Remove,
    Update,
)
from securechat_sdk.mls.messages.ratchet_tree import RatchetTreeExtension
from securechat_sdk.mls.messages.welcome import GroupSecrets
from securechat_sdk.mls.vectors.expect import Case, expect, unhex

_STRUCTURES: dict[str, type[Struct]] = {
    "mls_welcome": MLSMessage,
    "mls_group_info": MLSMessage,
    "mls_key_package": MLSMessage,
    "ratchet_tree": RatchetTreeExtension,
    "group_secrets": GroupSecrets,
    "add_proposal": Add,
    "update_proposal": Update,
    "remove_proposal": Remove,
    "pre_shared_key_proposal": PreSharedKey,
    "re_init_proposal": ReInit,
    "external_init_proposal": ExternalInit,
    "group_context_extensions_proposal": GroupContextExtensions,
    "commit": Commit,
    "public_message_application": MLSMessage,
    "public_message_proposal": MLSMessage,
    "public_message_commit": MLSMessage,
    "private_message": MLSMessage,
}


def check_deserialization(case: Case) -> None:
    reader = Reader(unhex(case["vlbytes_header"]))
    expect("length", reader.length(), case["length"])
    reader.finish()


def check_messages(case: Case) -> None:
    for name, structure in _STRUCTURES.items():
        data = unhex(case[name])
        expect(name, structure.decode(data).encode().hex(), data.hex())


def check_crypto_basics(case: Case) -> None:
    suite = cipher_suite(case["cipher_suite"])
    _check_ref_hash(suite, case["ref_hash"])
    _check_expansions(suite, case)
    _check_signature(suite, case["sign_with_label"])
    _check_encryption(suite, case["encrypt_with_label"])


def _check_ref_hash(suite: CipherSuite, part: dict[str, Any]) -> None:
    computed = suite.ref_hash(part["label"].encode(), unhex(part["value"]))
    expect("ref_hash", computed.hex(), part["out"])


def _check_expansions(suite: CipherSuite, case: Case) -> None:
    part = case["expand_with_label"]
    computed = suite.expand_with_label(
        unhex(part["secret"]), part["label"].encode(), unhex(part["context"]), part["length"]
    )
    expect("expand_with_label", computed.hex(), part["out"])

    part = case["derive_secret"]
    computed = suite.derive_secret(unhex(part["secret"]), part["label"].encode())
    expect("derive_secret", computed.hex(), part["out"])

    part = case["derive_tree_secret"]
    computed = suite.derive_tree_secret(
        unhex(part["secret"]), part["label"].encode(), part["generation"], part["length"]
    )
    expect("derive_tree_secret", computed.hex(), part["out"])


def _check_signature(suite: CipherSuite, part: dict[str, Any]) -> None:
    private, public = SignaturePrivateKey(unhex(part["priv"])), unhex(part["pub"])
    label, content = part["label"].encode(), unhex(part["content"])
    expect("public key", suite.signature.public_key_of(private).hex(), part["pub"])
    suite.verify_with_label(public, label, content, unhex(part["signature"]))
    ours = suite.sign_with_label(private, label, content)
    suite.verify_with_label(public, label, content, ours)


def _check_encryption(suite: CipherSuite, part: dict[str, Any]) -> None:
    private, public = HpkePrivateKey(unhex(part["priv"])), unhex(part["pub"])
    label, context = part["label"].encode(), unhex(part["context"])
    theirs = HPKECiphertext(
        kem_output=unhex(part["kem_output"]), ciphertext=unhex(part["ciphertext"])
    )
    ours = suite.encrypt_with_label(public, label, context, unhex(part["plaintext"]))
    for sealed in (theirs, ours):
        opened = suite.decrypt_with_label(private, label, context, sealed)
        expect("decrypt_with_label", opened.hex(), part["plaintext"])
