"""RFC 9420 sections 4.1.2 and 7.5: the public half of a commit's path."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from securechat_sdk.mls.messages.indexes import LeafIndex, NodeIndex
from securechat_sdk.mls.messages.leaf_nodes import LeafNode
from securechat_sdk.mls.messages.ratchet_tree import ParentNode
from securechat_sdk.mls.tree.hashes import parent_hash
from securechat_sdk.mls.tree.math import child_away_from, direct_path, node_of
from securechat_sdk.mls.tree.ratchet_tree import RatchetTree


@dataclass(frozen=True)
class PathStep:
    """A node of the filtered direct path and those who have to be told its secret."""

    node: NodeIndex
    copath_child: NodeIndex
    resolution: tuple[NodeIndex, ...]

    def recipients(self, added: Collection[LeafIndex]) -> tuple[NodeIndex, ...]:
        """Without the leaves added by the same commit, who learn it from their Welcome."""
        fresh = {node_of(leaf) for leaf in added}
        return tuple(node for node in self.resolution if node not in fresh)


def filtered_path(tree: RatchetTree, leaf: LeafIndex) -> tuple[PathStep, ...]:
    """Section 4.1.2: the direct path without the nodes whose other side is empty."""
    steps = []
    for node in direct_path(leaf, tree.slots):
        copath_child = child_away_from(node, leaf)
        resolution = tree.resolution(copath_child)
        if resolution:
            steps.append(PathStep(node, copath_child, resolution))
    return tuple(steps)


@dataclass(frozen=True)
class NewPath:
    """A tree whose path has new keys and parent hashes, and what the leaf below has to carry."""

    tree: RatchetTree
    leaf_parent_hash: bytes


def with_path_keys(
    tree: RatchetTree, leaf: LeafIndex, steps: Sequence[PathStep], keys: Sequence[bytes]
) -> NewPath:
    """Section 7.9: set the keys from the top down, each node bound to the one above."""
    nodes = []
    hash_above = b""
    for step, key in zip(reversed(steps), reversed(keys), strict=True):
        node = ParentNode(encryption_key=key, parent_hash=hash_above, unmerged_leaves=())
        nodes.append((step.node, node))
        # The copath is not touched by the path, so the tree before it gives the same hashes.
        hash_above = parent_hash(tree, node, step.copath_child)
    edit = tree.edit()
    edit.blank_path(leaf)
    for index, node in nodes:
        edit.set_parent(index, node)
    return NewPath(edit.finish(), hash_above)


def with_leaf(path: NewPath, leaf: LeafIndex, node: LeafNode) -> RatchetTree:
    """The whole path: the keys above and the leaf that carries their parent hash."""
    edit = path.tree.edit()
    edit.set_leaf(leaf, node)
    return edit.finish()
