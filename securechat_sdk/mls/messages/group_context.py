"""RFC 9420 section 8.1: what the members of a group agree on in an epoch."""

from securechat_sdk.mls.codec import Struct, Vector, opaque, uint16, uint64
from securechat_sdk.mls.messages.extensions import Extension


class GroupContext(Struct):
    """Bound into every key and signature of the epoch."""

    version: uint16
    cipher_suite: uint16
    group_id: opaque
    epoch: uint64
    tree_hash: opaque
    confirmed_transcript_hash: opaque
    extensions: Vector[Extension]
