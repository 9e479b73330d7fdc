"""RFC 9420 section 7.1 and 12.4.3.3: the ratchet tree as it travels."""

from enum import IntEnum
from typing import Annotated

from securechat_sdk.mls.codec import Select, Struct, UInt, Vector, opaque
from securechat_sdk.mls.messages.indexes import leaf_index
from securechat_sdk.mls.messages.leaf_nodes import LeafNode


class NodeType(IntEnum):
    """Section 7.8."""

    LEAF = 1
    PARENT = 2


class ParentNode(Struct):
    """A key whose private half is known to the members below it, save the unmerged ones."""

    encryption_key: opaque
    parent_hash: opaque
    unmerged_leaves: Vector[leaf_index]


Node = Annotated[
    LeafNode | ParentNode,
    Select(UInt(1), {NodeType.LEAF: LeafNode, NodeType.PARENT: ParentNode}),
]


class RatchetTreeExtension(Struct):
    """All nodes in order, blanks included, up to the last that is not blank."""

    nodes: Vector[Node | None]
