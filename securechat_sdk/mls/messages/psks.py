"""RFC 9420 section 8.4: the names of pre-shared keys."""

from enum import IntEnum
from typing import Annotated

from securechat_sdk.mls.codec import Select, Struct, UInt, opaque, uint16, uint64


class PskType(IntEnum):
    """Where the key comes from."""

    EXTERNAL = 1
    RESUMPTION = 2


class ResumptionUsage(IntEnum):
    """What a resumption key is for."""

    APPLICATION = 1
    REINIT = 2
    BRANCH = 3


class ExternalPsk(Struct):
    """A key that the application shared."""

    psk_id: opaque
    psk_nonce: opaque


class ResumptionPsk(Struct):
    """A key that the members of a group shared in an epoch."""

    usage: Annotated[ResumptionUsage, UInt(1, ResumptionUsage)]
    group_id: opaque
    epoch: uint64
    psk_nonce: opaque


PreSharedKeyID = Annotated[
    ExternalPsk | ResumptionPsk,
    Select(UInt(1), {PskType.EXTERNAL: ExternalPsk, PskType.RESUMPTION: ResumptionPsk}),
]


class PSKLabel(Struct):
    """Section 8.4: what binds a key to its place in the list."""

    id: PreSharedKeyID
    index: uint16
    count: uint16
