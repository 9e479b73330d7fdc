"""RFC 9420 section 6: the one form in which anything is sent."""

from typing import Annotated, Self

from securechat_sdk.mls.codec import Reader, Select, Struct, UInt, uint16
from securechat_sdk.mls.errors import UnsupportedVersion
from securechat_sdk.mls.messages.framing import PrivateMessage, PublicMessage, WireFormat
from securechat_sdk.mls.messages.group_info import GroupInfo
from securechat_sdk.mls.messages.key_packages import UncheckedKeyPackage
from securechat_sdk.mls.messages.leaf_nodes import MLS10
from securechat_sdk.mls.messages.welcome import Welcome

Body = PublicMessage | PrivateMessage | Welcome | GroupInfo | UncheckedKeyPackage

_BODY = Select(
    UInt(2),
    {
        WireFormat.PUBLIC_MESSAGE: PublicMessage,
        WireFormat.PRIVATE_MESSAGE: PrivateMessage,
        WireFormat.WELCOME: Welcome,
        WireFormat.GROUP_INFO: GroupInfo,
        WireFormat.KEY_PACKAGE: UncheckedKeyPackage,
    },
)


class MLSMessage(Struct):
    """A version, a wire format and a body; `decode` accepts MLS 1.0 only."""

    version: uint16
    body: Annotated[Body, _BODY]

    @classmethod
    def of(cls, body: Body) -> Self:
        return cls(version=MLS10, body=body)

    @classmethod
    def read_from(cls, reader: Reader) -> Self:
        if reader.uint(2) != MLS10:
            raise UnsupportedVersion
        # The codec knows its cases as structures; these are the ones listed above.
        body: Body = _BODY.read(reader)  # type: ignore[assignment]
        return cls.of(body)

    @property
    def wire_format(self) -> WireFormat:
        return WireFormat(_BODY.tag_of(self.body))
