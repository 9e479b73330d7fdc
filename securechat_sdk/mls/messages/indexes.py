"""Leaves and nodes are counted separately, so their indexes are two types."""

from typing import Annotated, NewType

from securechat_sdk.mls.codec import UInt

LeafIndex = NewType("LeafIndex", int)
NodeIndex = NewType("NodeIndex", int)

leaf_index = Annotated[LeafIndex, UInt(4)]
