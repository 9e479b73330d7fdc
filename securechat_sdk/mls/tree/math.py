"""RFC 9420 appendix C: where nodes stand in a full tree of `2^d` leaves, kept as an array.

Leaves have even node indexes. Growing and shrinking the tree moves no node.
"""

from collections.abc import Iterator

from securechat_sdk.mls.messages.indexes import LeafIndex, NodeIndex


def node_count(leaves: int) -> int:
    return 2 * leaves - 1


def leaf_slots(nodes: int) -> int:
    """How many leaves the smallest full tree with that many nodes has."""
    leaves = 1
    while node_count(leaves) < nodes:
        leaves *= 2
    return leaves


def node_of(leaf: LeafIndex) -> NodeIndex:
    return NodeIndex(2 * leaf)


def leaf_of(node: NodeIndex) -> LeafIndex:
    return LeafIndex(node // 2)


def is_leaf(node: NodeIndex) -> bool:
    return node % 2 == 0


def level(node: NodeIndex) -> int:
    """How far above the leaves a node is: the number of ones at the end of its index."""
    return (~node & (node + 1)).bit_length() - 1


def root(leaves: int) -> NodeIndex:
    return NodeIndex(leaves - 1)


def left(node: NodeIndex) -> NodeIndex:
    """The left child of a parent node."""
    return NodeIndex(node - (1 << (level(node) - 1)))


def right(node: NodeIndex) -> NodeIndex:
    """The right child of a parent node."""
    return NodeIndex(node + (1 << (level(node) - 1)))


def parent(node: NodeIndex) -> NodeIndex:
    """The parent, which for the root is outside the tree."""
    height = level(node)
    return NodeIndex((node | (1 << height)) & ~(1 << (height + 1)))


def sibling(node: NodeIndex) -> NodeIndex:
    above = parent(node)
    return right(above) if node < above else left(above)


def direct_path(leaf: LeafIndex, leaves: int) -> tuple[NodeIndex, ...]:
    """The ancestors of a leaf, the root last."""
    return tuple(_ancestors(node_of(leaf), leaves))


def _ancestors(node: NodeIndex, leaves: int) -> Iterator[NodeIndex]:
    top = root(leaves)
    while node != top:
        node = parent(node)
        yield node


def leaves_below(node: NodeIndex) -> range:
    """The leaf indexes below a node; for a leaf, its own."""
    reach = (1 << level(node)) - 1
    return range((node - reach) // 2, (node + reach) // 2 + 1)


def is_below(leaf: LeafIndex, node: NodeIndex) -> bool:
    return leaf in leaves_below(node)


def child_towards(node: NodeIndex, leaf: LeafIndex) -> NodeIndex:
    """The child of a parent node that has this leaf below it."""
    return left(node) if node_of(leaf) < node else right(node)


def child_away_from(node: NodeIndex, leaf: LeafIndex) -> NodeIndex:
    """The other child: the one on the leaf's copath."""
    return right(node) if node_of(leaf) < node else left(node)


def common_ancestor(one: LeafIndex, other: LeafIndex) -> NodeIndex:
    """The lowest node that has both leaves below it."""
    node = node_of(one)
    while not is_below(other, node):
        node = parent(node)
    return node
