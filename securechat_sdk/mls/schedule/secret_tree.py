"""RFC 9420 section 9: a key for every message, each derivable once.

Both classes are values: taking a key gives the key and the state in which it is gone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum

from securechat_sdk.mls.crypto.secrets import Secret
from securechat_sdk.mls.crypto.suites import CipherSuite
from securechat_sdk.mls.errors import GenerationTooFar, KeyAlreadyUsed
from securechat_sdk.mls.messages.indexes import LeafIndex, NodeIndex
from securechat_sdk.mls.tree.math import child_away_from, child_towards, is_leaf, root

MOST_SKIPPED = 1_000
MOST_STEPS = 5_000
LAST_GENERATION = 2**32 - 1


class RatchetKind(IntEnum):
    """Handshake and application messages use different keys."""

    HANDSHAKE = 0
    APPLICATION = 1


_LABELS = {RatchetKind.HANDSHAKE: b"handshake", RatchetKind.APPLICATION: b"application"}


@dataclass(frozen=True)
class MessageKey:
    """Encrypts one message and no other."""

    generation: int
    key: Secret
    nonce: Secret


@dataclass(frozen=True)
class Ratchet:
    """One sender's keys of one kind: the next, and those skipped on the way."""

    secret: Secret
    generation: int
    skipped: Mapping[int, MessageKey] = field(default_factory=dict, repr=False)

    def next(self, suite: CipherSuite) -> "tuple[MessageKey, Ratchet]":
        """The sender's own next key."""
        return self.at(suite, self.generation)

    def at(self, suite: CipherSuite, generation: int) -> "tuple[MessageKey, Ratchet]":
        """The key of a generation; raises `KeyAlreadyUsed` or `GenerationTooFar`."""
        if generation < self.generation:
            return self._take_skipped(generation)
        if generation - self.generation > MOST_STEPS or generation > LAST_GENERATION:
            raise GenerationTooFar
        return self._step_to(suite, generation)

    def _take_skipped(self, generation: int) -> "tuple[MessageKey, Ratchet]":
        if generation not in self.skipped:
            raise KeyAlreadyUsed
        left = dict(self.skipped)
        return left.pop(generation), replace(self, skipped=left)

    def _step_to(self, suite: CipherSuite, generation: int) -> "tuple[MessageKey, Ratchet]":
        skipped = dict(self.skipped)
        secret = self.secret
        for passed in range(self.generation, generation):
            if generation - passed <= MOST_SKIPPED:
                skipped[passed] = _message_key(suite, secret, passed)
            secret = _step(suite, secret, passed)
        for oldest in list(skipped)[: max(0, len(skipped) - MOST_SKIPPED)]:  # they are in order
            del skipped[oldest]
        key = _message_key(suite, secret, generation)
        after = Ratchet(_step(suite, secret, generation), generation + 1, skipped)
        return key, after


def _message_key(suite: CipherSuite, secret: Secret, generation: int) -> MessageKey:
    return MessageKey(
        generation,
        suite.derive_tree_secret(secret, b"key", generation, suite.aead.key_size),
        suite.derive_tree_secret(secret, b"nonce", generation, suite.aead.nonce_size),
    )


def _step(suite: CipherSuite, secret: Secret, generation: int) -> Secret:
    return suite.derive_tree_secret(secret, b"secret", generation, suite.hash.size)


RatchetName = tuple[LeafIndex, RatchetKind]


@dataclass(frozen=True)
class SecretTree:
    """The secrets not yet used: those of untouched subtrees, and the ratchets begun."""

    suite: CipherSuite
    slots: int
    nodes: Mapping[NodeIndex, Secret] = field(repr=False)
    ratchets: Mapping[RatchetName, Ratchet] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, suite: CipherSuite, encryption_secret: Secret, slots: int) -> "SecretTree":
        return cls(suite, slots, {root(slots): encryption_secret})

    def next_key(self, leaf: LeafIndex, kind: RatchetKind) -> "tuple[MessageKey, SecretTree]":
        tree = self._with_ratchets_of(leaf)
        key, ratchet = tree.ratchets[leaf, kind].next(self.suite)
        return key, tree.with_ratchet(leaf, kind, ratchet)

    def key_at(
        self, leaf: LeafIndex, kind: RatchetKind, generation: int
    ) -> "tuple[MessageKey, SecretTree]":
        tree = self._with_ratchets_of(leaf)
        key, ratchet = tree.ratchets[leaf, kind].at(self.suite, generation)
        return key, tree.with_ratchet(leaf, kind, ratchet)

    def with_ratchet(self, leaf: LeafIndex, kind: RatchetKind, ratchet: Ratchet) -> "SecretTree":
        return replace(self, ratchets={**self.ratchets, (leaf, kind): ratchet})

    def _with_ratchets_of(self, leaf: LeafIndex) -> "SecretTree":
        """Walk from the lowest secret above the leaf down to it, leaving the other sides."""
        if (leaf, RatchetKind.HANDSHAKE) in self.ratchets:
            return self
        nodes = dict(self.nodes)
        node = self._lowest_known(leaf)
        secret = nodes.pop(node)
        while not is_leaf(node):
            near, far = child_towards(node, leaf), child_away_from(node, leaf)
            nodes[far] = self._child(secret, node, far)
            secret = self._child(secret, node, near)
            node = near
        ratchets = dict(self.ratchets)
        for kind, label in _LABELS.items():
            base = self.suite.expand_with_label(secret, label, b"", self.suite.hash.size)
            ratchets[leaf, kind] = Ratchet(base, 0)
        return replace(self, nodes=nodes, ratchets=ratchets)

    def _lowest_known(self, leaf: LeafIndex) -> NodeIndex:
        """One node above every leaf that has no ratchets yet still holds its secret."""
        node = root(self.slots)
        while node not in self.nodes and not is_leaf(node):
            node = child_towards(node, leaf)
        if node not in self.nodes or leaf >= self.slots:
            raise KeyAlreadyUsed
        return node

    def _child(self, secret: Secret, parent: NodeIndex, child: NodeIndex) -> Secret:
        side = b"left" if child < parent else b"right"
        return self.suite.expand_with_label(secret, b"tree", side, self.suite.hash.size)
