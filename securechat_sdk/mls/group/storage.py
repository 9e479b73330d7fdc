"""A member's state as bytes: small secrets, and the public trees beside them.

The secrets change with every message, the trees with the epoch only. Save before anything is
sent, and never bring back an old state: keys that were used would be used again.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Annotated

from securechat_sdk.mls.codec import Struct, UInt, Vector, opaque, uint16, uint32, uint64
from securechat_sdk.mls.crypto.suites import CipherSuite, cipher_suite
from securechat_sdk.mls.errors import StoredStateInvalid
from securechat_sdk.mls.group.group import Group, PastEpoch, PendingUpdate
from securechat_sdk.mls.group.key_packages import hpke_private_key, signature_private_key
from securechat_sdk.mls.messages.framing import AuthenticatedContent
from securechat_sdk.mls.messages.group_context import GroupContext
from securechat_sdk.mls.messages.indexes import NodeIndex, leaf_index
from securechat_sdk.mls.messages.ratchet_tree import RatchetTreeExtension
from securechat_sdk.mls.messages.welcome import secret
from securechat_sdk.mls.public_group.proposal_list import Sent
from securechat_sdk.mls.public_group.public_group import PublicGroup
from securechat_sdk.mls.public_group.storage import load_public_group, save_public_group
from securechat_sdk.mls.schedule.key_schedule import EpochSecrets
from securechat_sdk.mls.schedule.secret_tree import MessageKey, Ratchet, RatchetKind, SecretTree
from securechat_sdk.mls.tree.private import PrivateTree
from securechat_sdk.mls.tree.ratchet_tree import RatchetTree

VERSION = 1

node_index = Annotated[NodeIndex, UInt(4)]


@dataclass(frozen=True)
class SavedGroup:
    """Both parts; `secret` belongs into encrypted storage."""

    secret: bytes = field(repr=False)
    public: bytes = field(repr=False)


class StoredNodeKey(Struct):
    """A private key of the ratchet tree."""

    node: node_index
    key: hpke_private_key


class StoredNodeSecret(Struct):
    """A secret of the secret tree that was not used yet."""

    node: node_index
    secret: secret


class StoredMessageKey(Struct):
    """A message key that was skipped."""

    generation: uint32
    key: secret
    nonce: secret


class StoredRatchet(Struct):
    """A sender ratchet that was begun."""

    leaf: leaf_index
    kind: Annotated[RatchetKind, UInt(1, RatchetKind)]
    secret: secret
    generation: uint64
    skipped: Vector[StoredMessageKey]


class StoredSecretTree(Struct):
    """Section 9's tree with the used keys gone."""

    slots: uint32
    nodes: Vector[StoredNodeSecret]
    ratchets: Vector[StoredRatchet]


class StoredUpdate(Struct):
    """The keys of an own Update that waits for a commit."""

    reference: opaque
    encryption_key: hpke_private_key
    signature_key: signature_private_key


class StoredPastSecrets(Struct):
    """The secrets of an epoch gone by."""

    epoch: uint64
    sender_data_secret: secret
    keys: StoredSecretTree
    resumption_psk: secret


class StoredSecretPart(Struct):
    """Version 1 of the small part."""

    version: uint16
    group_id: opaque
    epoch: uint64
    leaf: leaf_index
    signature_key: signature_private_key
    node_keys: Vector[StoredNodeKey]
    secrets: EpochSecrets
    keys: StoredSecretTree
    proposals: Vector[AuthenticatedContent]
    updates: Vector[StoredUpdate]
    past: Vector[StoredPastSecrets]


class StoredPastTree(Struct):
    """The public side of an epoch gone by."""

    context: GroupContext
    tree: RatchetTreeExtension


class StoredPublicPart(Struct):
    """Version 1 of the large part."""

    version: uint16
    group: opaque
    past: Vector[StoredPastTree]


def save(group: Group) -> SavedGroup:
    """Both parts. While `epoch` is the same, only `secret` differs."""
    return SavedGroup(save_secrets(group), _public_part(group).encode())


def save_secrets(group: Group) -> bytes:
    """The small part alone, which is enough while the epoch is the same."""
    return _secret_part(group).encode()


def load(saved: SavedGroup) -> Group:
    """The group that was saved; raises `StoredStateInvalid` or `DecodeError`."""
    for part in (saved.secret, saved.public):
        if part[:2] != VERSION.to_bytes(2):
            raise StoredStateInvalid
    secrets = StoredSecretPart.decode(saved.secret)
    public_part = StoredPublicPart.decode(saved.public)
    public = load_public_group(public_part.group)
    _check_parts_match(secrets, public_part, public)
    suite = public.suite
    waiting = [Sent(each.proposal_reference(suite), each) for each in secrets.proposals]
    return Group(
        public=replace(public, proposals={sent.reference: sent for sent in waiting}),
        private=PrivateTree(secrets.leaf, {each.node: each.key for each in secrets.node_keys}),
        signature_key=secrets.signature_key,
        secrets=secrets.secrets,
        keys=_load_keys(suite, secrets.keys, public.tree),
        updates={
            each.reference: PendingUpdate(each.encryption_key, each.signature_key)
            for each in secrets.updates
        },
        past=tuple(_load_past(secrets.past, public_part.past)),
    )


def _check_parts_match(
    secrets: StoredSecretPart, public_part: StoredPublicPart, public: PublicGroup
) -> None:
    named = (secrets.group_id, secrets.epoch)
    if named != (public.context.group_id, public.context.epoch):
        raise StoredStateInvalid
    epochs = [past.context.epoch for past in public_part.past]
    if epochs != [past.epoch for past in secrets.past]:
        raise StoredStateInvalid
    if any(each.node >= len(public.tree.nodes) for each in secrets.node_keys):
        raise StoredStateInvalid


def _secret_part(group: Group) -> StoredSecretPart:
    return StoredSecretPart(
        version=VERSION,
        group_id=group.group_id,
        epoch=group.epoch,
        leaf=group.own_leaf,
        signature_key=group.signature_key,
        node_keys=tuple(
            StoredNodeKey(node=node, key=key) for node, key in group.private.keys.items()
        ),
        secrets=group.secrets,
        keys=_save_keys(group.keys),
        proposals=tuple(sent.content for sent in group.public.proposals.values()),
        updates=tuple(
            StoredUpdate(
                reference=reference,
                encryption_key=update.encryption_key,
                signature_key=update.signature_key,
            )
            for reference, update in group.updates.items()
        ),
        past=tuple(_save_past_secrets(past) for past in group.past),
    )


def _public_part(group: Group) -> StoredPublicPart:
    return StoredPublicPart(
        version=VERSION,
        group=save_public_group(replace(group.public, proposals={})),
        past=tuple(
            StoredPastTree(context=past.context, tree=past.tree.to_extension())
            for past in group.past
        ),
    )


def _save_keys(keys: SecretTree) -> StoredSecretTree:
    return StoredSecretTree(
        slots=keys.slots,
        nodes=tuple(
            StoredNodeSecret(node=node, secret=value) for node, value in keys.nodes.items()
        ),
        ratchets=tuple(
            StoredRatchet(
                leaf=leaf,
                kind=kind,
                secret=ratchet.secret,
                generation=ratchet.generation,
                skipped=tuple(_save_message_key(key) for key in ratchet.skipped.values()),
            )
            for (leaf, kind), ratchet in keys.ratchets.items()
        ),
    )


def _save_message_key(key: MessageKey) -> StoredMessageKey:
    return StoredMessageKey(generation=key.generation, key=key.key, nonce=key.nonce)


def _load_keys(suite: CipherSuite, stored: StoredSecretTree, tree: RatchetTree) -> SecretTree:
    """A sender's two ratchets are begun together, so they are stored together."""
    ratchets = {(each.leaf, each.kind): _load_ratchet(each) for each in stored.ratchets}
    senders = {each.leaf for each in stored.ratchets}
    if not len(stored.ratchets) == len(ratchets) == len(RatchetKind) * len(senders):
        raise StoredStateInvalid
    if stored.slots != tree.slots:
        raise StoredStateInvalid
    nodes = {each.node: each.secret for each in stored.nodes}
    return SecretTree(suite, stored.slots, nodes, ratchets)


def _load_ratchet(stored: StoredRatchet) -> Ratchet:
    skipped = {
        key.generation: MessageKey(key.generation, key.key, key.nonce) for key in stored.skipped
    }
    return Ratchet(stored.secret, stored.generation, skipped)


def _save_past_secrets(past: PastEpoch) -> StoredPastSecrets:
    return StoredPastSecrets(
        epoch=past.context.epoch,
        sender_data_secret=past.sender_data_secret,
        keys=_save_keys(past.keys),
        resumption_psk=past.resumption_psk,
    )


def _load_past(
    secrets: Iterable[StoredPastSecrets], trees: Iterable[StoredPastTree]
) -> Iterable[PastEpoch]:
    for kept, public in zip(secrets, trees, strict=True):
        suite = cipher_suite(public.context.cipher_suite)
        tree = RatchetTree.from_extension(suite, public.tree)
        yield PastEpoch(
            public.context,
            tree,
            kept.sender_data_secret,
            _load_keys(suite, kept.keys, tree),
            kept.resumption_psk,
        )
