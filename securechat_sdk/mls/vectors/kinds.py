"""Which check belongs to a vector file, told by what its cases hold."""

from collections.abc import Callable
from dataclasses import dataclass

from securechat_sdk.mls.vectors import basics, clients, schedules, trees
from securechat_sdk.mls.vectors.expect import Case


@dataclass(frozen=True)
class Kind:
    """A kind of vector file: the fields that only its cases have, and what they promise."""

    name: str
    fields: frozenset[str]
    check: Callable[[Case], None]


def _kind(name: str, fields: str, check: Callable[[Case], None]) -> Kind:
    return Kind(name, frozenset(fields.split()), check)


KINDS = (
    _kind("tree-math", "n_leaves root left right parent sibling", trees.check_tree_math),
    _kind("deserialization", "vlbytes_header length", basics.check_deserialization),
    _kind("crypto-basics", "ref_hash encrypt_with_label", basics.check_crypto_basics),
    _kind("secret-tree", "encryption_secret sender_data leaves", schedules.check_secret_tree),
    _kind(
        "message-protection",
        "proposal_priv commit_priv application_priv",
        schedules.check_message_protection,
    ),
    _kind("key-schedule", "initial_init_secret epochs", schedules.check_key_schedule),
    _kind("psk_secret", "psks psk_secret", schedules.check_psk_secret),
    _kind(
        "transcript-hashes",
        "authenticated_content interim_transcript_hash_before",
        schedules.check_transcript_hashes,
    ),
    _kind("welcome", "init_priv key_package signer_pub welcome", clients.check_welcome),
    _kind("tree-operations", "tree_before proposal tree_after", trees.check_tree_operations),
    _kind("tree-validation", "tree tree_hashes resolutions", trees.check_tree_validation),
    _kind("treekem", "ratchet_tree leaves_private update_paths", trees.check_treekem),
    _kind("messages", "mls_welcome private_message commit", basics.check_messages),
    _kind(
        "passive-client",
        "init_priv welcome initial_epoch_authenticator epochs",
        clients.check_passive_client,
    ),
)


class UnknownVectorError(Exception):
    """The file holds no kind of vector that is known."""


def kind_of(name: str, cases: list[Case]) -> Kind:
    """By the fields of the cases, or else by the file's name; raises `UnknownVectorError`."""
    fields = frozenset().union(*cases) if cases else frozenset()
    for kind in KINDS:
        if kind.fields <= fields:
            return kind
    for kind in KINDS:
        if kind.name in name:
            return kind
    raise UnknownVectorError(name)
