"""RFC 9420 sections 7.8 and 7.9: tree hashes and parent hashes."""

from collections.abc import Collection
from typing import Annotated

from securechat_sdk.mls.codec import Select, Struct, UInt, encode_opaque, opaque
from securechat_sdk.mls.messages.indexes import LeafIndex, NodeIndex, leaf_index
from securechat_sdk.mls.messages.leaf_nodes import LeafNode
from securechat_sdk.mls.messages.ratchet_tree import NodeType, ParentNode
from securechat_sdk.mls.tree.math import is_leaf, leaf_of, leaves_below, left, right, root
from securechat_sdk.mls.tree.ratchet_tree import RatchetTree


class LeafNodeHashInput(Struct):
    """Section 7.8."""

    leaf_index: leaf_index
    leaf_node: LeafNode | None


class ParentNodeHashInput(Struct):
    """Section 7.8."""

    parent_node: ParentNode | None
    left_hash: opaque
    right_hash: opaque


class TreeHashInput(Struct):
    """Section 7.8: what is hashed for one node."""

    node: Annotated[
        LeafNodeHashInput | ParentNodeHashInput,
        Select(UInt(1), {NodeType.LEAF: LeafNodeHashInput, NodeType.PARENT: ParentNodeHashInput}),
    ]


def tree_hash(tree: RatchetTree) -> bytes:
    return node_hash(tree, root(tree.slots))


def node_hash(tree: RatchetTree, node: NodeIndex) -> bytes:
    """The tree hash of a subtree, computed once for as long as nothing below changes."""
    known = tree.hashes[node]
    if known is None:
        known = tree.hashes[node] = _compute(tree, node, frozenset())
    return known


def node_hash_without(tree: RatchetTree, node: NodeIndex, leaves: Collection[LeafIndex]) -> bytes:
    """The tree hash that a subtree would have, had these leaves never been added."""
    below = frozenset(leaves).intersection(leaves_below(node))
    return _compute(tree, node, below) if below else node_hash(tree, node)


def _compute(tree: RatchetTree, node: NodeIndex, without: frozenset[LeafIndex]) -> bytes:
    """Goes down at most 32 levels, and only where the hash is not known."""
    hashed: LeafNodeHashInput | ParentNodeHashInput
    if is_leaf(node):
        leaf = leaf_of(node)
        value = None if leaf in without else tree.leaf_or_none(leaf)
        hashed = LeafNodeHashInput(leaf_index=leaf, leaf_node=value)
    else:
        hashed = ParentNodeHashInput(
            parent_node=_parent_without(tree.parent_or_none(node), without),
            left_hash=node_hash_without(tree, left(node), without),
            right_hash=node_hash_without(tree, right(node), without),
        )
    return tree.suite.hash.digest(TreeHashInput(node=hashed).encode())


def _parent_without(parent: ParentNode | None, without: frozenset[LeafIndex]) -> ParentNode | None:
    if parent is None or not without:
        return parent
    kept = tuple(leaf for leaf in parent.unmerged_leaves if leaf not in without)
    return ParentNode(
        encryption_key=parent.encryption_key,
        parent_hash=parent.parent_hash,
        unmerged_leaves=kept,
    )


def parent_hash(tree: RatchetTree, parent: ParentNode, copath_child: NodeIndex) -> bytes:
    """Section 7.9: binds a node to the key and to the members on the other side of its parent."""
    sibling_hash = node_hash_without(tree, copath_child, parent.unmerged_leaves)
    return tree.suite.hash.digest(
        encode_opaque(parent.encryption_key)
        + encode_opaque(parent.parent_hash)
        + encode_opaque(sibling_hash)
    )
