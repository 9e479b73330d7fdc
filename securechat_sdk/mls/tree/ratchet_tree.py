"""RFC 9420 section 4 and 7.7: the public ratchet tree, a value, and the changes it can undergo."""

from bisect import insort
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from securechat_sdk.mls.crypto.suites import CipherSuite
from securechat_sdk.mls.errors import BlankLeaf, MalformedTree
from securechat_sdk.mls.messages.indexes import LeafIndex, NodeIndex
from securechat_sdk.mls.messages.leaf_nodes import LeafNode
from securechat_sdk.mls.messages.ratchet_tree import Node, ParentNode, RatchetTreeExtension
from securechat_sdk.mls.tree.math import (
    direct_path,
    is_leaf,
    leaf_slots,
    left,
    node_count,
    node_of,
    right,
)


@dataclass(frozen=True)
class RatchetTree:
    """All nodes in order. `hashes` remembers tree hashes that are still true (section 7.8)."""

    suite: CipherSuite
    nodes: tuple[Node | None, ...]
    hashes: list[bytes | None] = field(compare=False, repr=False)

    @classmethod
    def of_one(cls, suite: CipherSuite, leaf: LeafNode) -> "RatchetTree":
        return cls(suite, (leaf,), [None])

    @classmethod
    def from_extension(cls, suite: CipherSuite, extension: RatchetTreeExtension) -> "RatchetTree":
        """Section 12.4.3.3: leaves and parents in their places, no blanks at the end."""
        nodes = extension.nodes
        if not nodes or nodes[-1] is None:
            raise MalformedTree
        for index, node in enumerate(nodes):
            wanted = LeafNode if is_leaf(NodeIndex(index)) else ParentNode
            if node is not None and not isinstance(node, wanted):
                raise MalformedTree
        size = node_count(leaf_slots(len(nodes)))
        padded = nodes + (None,) * (size - len(nodes))
        return cls(suite, padded, [None] * size)

    def to_extension(self) -> RatchetTreeExtension:
        end = len(self.nodes)
        while self.nodes[end - 1] is None:
            end -= 1
        return RatchetTreeExtension(nodes=self.nodes[:end])

    @property
    def slots(self) -> int:
        """How many leaves the tree has room for, a power of two."""
        return (len(self.nodes) + 1) // 2

    def leaf_or_none(self, leaf: LeafIndex) -> LeafNode | None:
        """The leaf, or None if it is blank or beyond the tree."""
        index = node_of(leaf)
        node = self.nodes[index] if index < len(self.nodes) else None
        return node if isinstance(node, LeafNode) else None

    def leaf(self, leaf: LeafIndex) -> LeafNode:
        """The leaf; raises `BlankLeaf` if there is none."""
        node = self.leaf_or_none(leaf)
        if node is None:
            raise BlankLeaf
        return node

    def parent_or_none(self, node: NodeIndex) -> ParentNode | None:
        found = self.nodes[node]
        return found if isinstance(found, ParentNode) else None

    def encryption_key(self, node: NodeIndex) -> bytes:
        """The key of a node in a resolution, which is never blank."""
        found = self.nodes[node]
        if found is None:
            raise BlankLeaf
        return found.encryption_key

    def members(self) -> Iterator[tuple[LeafIndex, LeafNode]]:
        for index in range(0, len(self.nodes), 2):
            node = self.nodes[index]
            if isinstance(node, LeafNode):
                yield LeafIndex(index // 2), node

    def resolution(self, node: NodeIndex) -> tuple[NodeIndex, ...]:
        """Section 4.1.1: the fewest non-blank nodes that cover all members below."""
        found: list[NodeIndex] = []
        waiting = [node]
        while waiting:
            index = waiting.pop()
            value = self.nodes[index]
            if value is not None:
                found.append(index)
                if isinstance(value, ParentNode):
                    found.extend(node_of(leaf) for leaf in value.unmerged_leaves)
            elif not is_leaf(index):
                waiting.append(right(index))
                waiting.append(left(index))
        return tuple(found)

    def edit(self) -> "TreeEdit":
        return TreeEdit(self)


class TreeEdit:
    """Changes on the way from one tree to the next."""

    def __init__(self, tree: RatchetTree) -> None:
        self._tree = tree
        self._nodes = list(tree.nodes)
        self._hashes = list(tree.hashes)
        self._first_blank = 0

    def finish(self) -> RatchetTree:
        return replace(self._tree, nodes=tuple(self._nodes), hashes=self._hashes)

    @property
    def slots(self) -> int:
        return (len(self._nodes) + 1) // 2

    def set_leaf(self, leaf: LeafIndex, node: LeafNode | None) -> None:
        self._set(node_of(leaf), node)
        for above in direct_path(leaf, self.slots):
            self._hashes[above] = None

    def set_parent(self, index: NodeIndex, node: ParentNode | None) -> None:
        """Only along a path whose leaf is set too, which is what forgets the hashes above."""
        self._set(index, node)

    def blank_path(self, leaf: LeafIndex) -> None:
        for above in direct_path(leaf, self.slots):
            self._set(above, None)

    def update(self, leaf: LeafIndex, node: LeafNode) -> None:
        """Section 12.1.2: a new leaf, and nothing above it that others would trust."""
        self.set_leaf(leaf, node)
        self.blank_path(leaf)

    def remove(self, leaf: LeafIndex) -> None:
        """Section 12.1.3; call `truncate` after the last removal."""
        if leaf >= self.slots or self._nodes[node_of(leaf)] is None:
            raise BlankLeaf
        self.set_leaf(leaf, None)
        self.blank_path(leaf)
        self._first_blank = 0

    def truncate(self) -> None:
        """Section 7.7: drop the right half as long as nobody is in it."""
        while self.slots > 1 and self._is_right_half_empty():
            middle = len(self._nodes) // 2
            del self._nodes[middle:]
            del self._hashes[middle:]

    def leftmost_blank(self) -> LeafIndex:
        """Section 12.1.1: in a wider tree if every leaf is taken."""
        for index in range(self._first_blank, self.slots):
            if self._nodes[2 * index] is None:
                self._first_blank = index + 1
                return LeafIndex(index)
        leaf = LeafIndex(self.slots)
        wider = len(self._nodes) + 1
        self._nodes.extend([None] * wider)
        self._hashes.extend([None] * wider)
        self._first_blank = leaf + 1
        return leaf

    def add(self, node: LeafNode) -> LeafIndex:
        """Section 12.1.1: at the leftmost blank leaf, unmerged at every parent above."""
        leaf = self.leftmost_blank()
        self.set_leaf(leaf, node)
        for above in direct_path(leaf, self.slots):
            parent = self._nodes[above]
            if isinstance(parent, ParentNode):
                unmerged = list(parent.unmerged_leaves)
                insort(unmerged, leaf)
                self._set(above, replace(parent, unmerged_leaves=tuple(unmerged)))
        return leaf

    def _is_right_half_empty(self) -> bool:
        middle = len(self._nodes) // 2
        return not any(self._nodes[middle + 1 :: 2])

    def _set(self, index: NodeIndex, node: Node | None) -> None:
        self._nodes[index] = node
        self._hashes[index] = None
