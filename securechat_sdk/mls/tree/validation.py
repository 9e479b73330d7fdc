"""RFC 9420 sections 7.9.2 and 12.4.3.1: whether a tree from outside is a true one."""

from collections.abc import Mapping

from securechat_sdk.mls.errors import (
    EncryptionKeyReused,
    ParentHashInvalid,
    SignatureKeyReused,
    UnmergedLeavesInvalid,
)
from securechat_sdk.mls.messages.indexes import LeafIndex, NodeIndex
from securechat_sdk.mls.messages.leaf_nodes import CommitSource
from securechat_sdk.mls.messages.ratchet_tree import ParentNode
from securechat_sdk.mls.tree.hashes import parent_hash
from securechat_sdk.mls.tree.math import (
    child_towards,
    is_below,
    is_leaf,
    leaf_of,
    left,
    node_of,
    right,
)
from securechat_sdk.mls.tree.ratchet_tree import RatchetTree


def check_tree(tree: RatchetTree) -> None:
    """Everything about a tree that its nodes say of each other."""
    check_unmerged_leaves(tree)
    check_unique_keys(tree)
    check_parent_hashes(tree)


def check_unique_keys(tree: RatchetTree) -> None:
    """Section 7.3 and 12.4.3.1: no encryption key and no signature key is in the tree twice."""
    check_unique_signature_keys(tree)
    check_unique_encryption_keys(tree)


def check_unique_signature_keys(tree: RatchetTree) -> None:
    keys = [leaf.signature_key for _index, leaf in tree.members()]
    if len(set(keys)) != len(keys):
        raise SignatureKeyReused


def check_unique_encryption_keys(tree: RatchetTree) -> None:
    keys = [node.encryption_key for node in tree.nodes if node is not None]
    if len(set(keys)) != len(keys):
        raise EncryptionKeyReused


def check_unmerged_leaves(tree: RatchetTree) -> None:
    """Section 12.4.3.1: sorted, members, below the node, and unmerged all the way down."""
    unmerged = {
        NodeIndex(index): frozenset(parent.unmerged_leaves)
        for index in range(1, len(tree.nodes), 2)
        if (parent := tree.parent_or_none(NodeIndex(index))) is not None
    }
    for node in unmerged:
        _check_unmerged_leaves_of(tree, node, unmerged)


Unmerged = Mapping[NodeIndex, frozenset[LeafIndex]]


def _check_unmerged_leaves_of(tree: RatchetTree, node: NodeIndex, unmerged: Unmerged) -> None:
    parent = tree.parent_or_none(node)
    listed = () if parent is None else parent.unmerged_leaves
    if list(listed) != sorted(unmerged[node]):
        raise UnmergedLeavesInvalid
    for leaf in listed:
        if not is_below(leaf, node) or tree.leaf_or_none(leaf) is None:
            raise UnmergedLeavesInvalid
        _check_unmerged_below(node, leaf, unmerged)


def _check_unmerged_below(node: NodeIndex, leaf: LeafIndex, unmerged: Unmerged) -> None:
    between = child_towards(node, leaf)
    while not is_leaf(between):
        if leaf not in unmerged.get(between, (leaf,)):
            raise UnmergedLeavesInvalid
        between = child_towards(between, leaf)


def check_parent_hashes(tree: RatchetTree) -> None:
    """Section 7.9.2: every parent node was put there by a member below it."""
    for index in range(1, len(tree.nodes), 2):
        node = NodeIndex(index)
        parent = tree.parent_or_none(node)
        if parent is not None and not _is_parent_hash_valid(tree, node, parent):
            raise ParentHashInvalid


def _is_parent_hash_valid(tree: RatchetTree, node: NodeIndex, parent: ParentNode) -> bool:
    sides = ((left(node), right(node)), (right(node), left(node)))
    return any(_is_bound_from(tree, parent, child, other) for child, other in sides)


def _is_bound_from(
    tree: RatchetTree, parent: ParentNode, child: NodeIndex, other: NodeIndex
) -> bool:
    """Whether the one node under `child` that is not unmerged names this parent's hash."""
    unmerged = {node_of(leaf) for leaf in parent.unmerged_leaves if is_below(leaf, child)}
    resolution = set(tree.resolution(child))
    if not unmerged <= resolution:
        return False
    bound = resolution - unmerged
    if len(bound) != 1:
        return False
    carried = _carried_parent_hash(tree, bound.pop())
    return carried == parent_hash(tree, parent, other)


def _carried_parent_hash(tree: RatchetTree, node: NodeIndex) -> bytes | None:
    if not is_leaf(node):
        parent = tree.parent_or_none(node)
        return None if parent is None else parent.parent_hash
    source = tree.leaf(leaf_of(node)).source
    return source.parent_hash if isinstance(source, CommitSource) else None
