"""RFC 9420 sections 7.4 to 7.6: the half of the tree with keys in it. No server imports this."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from securechat_sdk.mls.crypto.kem import KeyPair
from securechat_sdk.mls.crypto.secrets import HpkePrivateKey, Secret
from securechat_sdk.mls.crypto.suites import CipherSuite
from securechat_sdk.mls.errors import NotARecipient, PathKeyMismatch
from securechat_sdk.mls.messages.commits import UpdatePath, UpdatePathNode
from securechat_sdk.mls.messages.indexes import LeafIndex, NodeIndex
from securechat_sdk.mls.messages.leaf_nodes import LeafNode
from securechat_sdk.mls.tree.math import common_ancestor, is_below, node_of
from securechat_sdk.mls.tree.paths import PathStep, filtered_path
from securechat_sdk.mls.tree.ratchet_tree import RatchetTree

_LABEL = b"UpdatePathNode"


@dataclass(frozen=True)
class PrivateTree:
    """The private keys one member knows: its own leaf's and those above it that it was told."""

    leaf: LeafIndex
    keys: Mapping[NodeIndex, HpkePrivateKey] = field(repr=False)

    @property
    def leaf_key(self) -> HpkePrivateKey:
        return self.keys[node_of(self.leaf)]

    def with_keys(self, keys: Mapping[NodeIndex, HpkePrivateKey]) -> "PrivateTree":
        return replace(self, keys={**self.keys, **keys})

    def kept_for(self, before: RatchetTree, after: RatchetTree) -> "PrivateTree":
        """Only the keys of nodes that the change from one tree to the other left alone."""
        kept = {
            node: key
            for node, key in self.keys.items()
            if node < len(after.nodes)
            and (now := after.nodes[node]) is not None
            and (then := before.nodes[node]) is not None
            and now.encryption_key == then.encryption_key
        }
        return replace(self, keys=kept)


@dataclass(frozen=True)
class PathSecrets:
    """The secrets of a filtered path from the bottom up, and the one past its end."""

    secrets: Mapping[NodeIndex, Secret] = field(repr=False)
    keys: Mapping[NodeIndex, KeyPair] = field(repr=False)
    commit_secret: Secret

    @property
    def public_keys(self) -> tuple[bytes, ...]:
        return tuple(pair.public for pair in self.keys.values())

    @property
    def private_keys(self) -> dict[NodeIndex, HpkePrivateKey]:
        return {node: pair.private for node, pair in self.keys.items()}


def derive_path(suite: CipherSuite, first: Secret, nodes: Sequence[NodeIndex]) -> PathSecrets:
    """Section 7.4: one secret for each node, each derived from the one below."""
    secrets: dict[NodeIndex, Secret] = {}
    keys: dict[NodeIndex, KeyPair] = {}
    secret = first
    for node in nodes:
        secrets[node] = secret
        keys[node] = suite.derive_key_pair(suite.derive_secret(secret, b"node"))
        secret = suite.derive_secret(secret, b"path")
    return PathSecrets(secrets, keys, secret)


def seal_path(
    tree: RatchetTree,
    steps: Sequence[PathStep],
    path: PathSecrets,
    leaf_node: LeafNode,
    *,
    added: Collection[LeafIndex],
    context: bytes,
) -> UpdatePath:
    """Section 7.6: tell each node's secret to those on its other side."""
    seal = tree.suite.encryptor_with_label(_LABEL, context)
    nodes = []
    for step in steps:
        secret = path.secrets[step.node]
        sealed = tuple(seal(tree.encryption_key(node), secret) for node in step.recipients(added))
        key = path.keys[step.node].public
        nodes.append(UpdatePathNode(encryption_key=key, encrypted_path_secret=sealed))
    return UpdatePath(leaf_node=leaf_node, nodes=tuple(nodes))


def open_path(
    tree: RatchetTree,
    private: PrivateTree,
    sender: LeafIndex,
    path: UpdatePath,
    *,
    added: Collection[LeafIndex],
    context: bytes,
) -> PathSecrets:
    """Find the secret sealed to us in a path whose shape was checked, and derive the rest.

    `tree` has the commit's proposals applied and not yet the path.
    """
    steps = filtered_path(tree, sender)
    position = _first_shared(steps, private.leaf)
    secret = _open_step(tree, private, steps[position], path.nodes[position], added, context)
    known = derive_path(tree.suite, secret, [step.node for step in steps[position:]])
    published = tuple(node.encryption_key for node in path.nodes[position:])
    if known.public_keys != published:
        raise PathKeyMismatch
    return known


def _first_shared(steps: Sequence[PathStep], leaf: LeafIndex) -> int:
    for position, step in enumerate(steps):
        if is_below(leaf, step.node):
            return position
    raise NotARecipient


def _open_step(  # noqa: PLR0917  one step of open_path
    tree: RatchetTree,
    private: PrivateTree,
    step: PathStep,
    node: UpdatePathNode,
    added: Collection[LeafIndex],
    context: bytes,
) -> Secret:
    recipients = step.recipients(added)
    for recipient, sealed in zip(recipients, node.encrypted_path_secret, strict=True):
        key = private.keys.get(recipient)
        if key is not None:
            return tree.suite.decrypt_with_label(key, _LABEL, context, sealed)
    raise NotARecipient


def joined_path(
    tree: RatchetTree, leaf: LeafIndex, signer: LeafIndex, secret: Secret
) -> PathSecrets:
    """Section 12.4.3.1: what a new member derives from the path secret in its Welcome."""
    ancestor = common_ancestor(leaf, signer)
    nodes = [step.node for step in filtered_path(tree, signer)]
    if ancestor not in nodes:  # the signer claims to be the new member itself
        raise NotARecipient
    nodes = nodes[nodes.index(ancestor) :]
    known = derive_path(tree.suite, secret, nodes)
    published = tuple(tree.encryption_key(node) for node in nodes)
    if known.public_keys != published:
        raise PathKeyMismatch
    return known
