"""What the protocol consists of, in the order in which it is printed."""

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from typing import Any, get_args

from msgspec import Struct

from securechat_sdk.wire import content, frames

# A type alias has no name at run time, so each is named here.
UNIONS: Mapping[str, Any] = {
    "Command": frames.Command,
    "Answer": frames.Answer,
    "Event": frames.Event,
    "ServerFrame": frames.ServerFrame,
    "Content": content.AnyContent,
}
ENUMS: tuple[type[StrEnum], ...] = (frames.EntryKind,)
CODES: tuple[type[IntEnum], ...] = (frames.CloseCode,)
LIMITS: Mapping[str, int | tuple[int, ...]] = {
    "MAX_FRAME_BYTES": frames.MAX_FRAME_BYTES,
    "MAX_MESSAGE_BYTES": frames.MAX_MESSAGE_BYTES,
    "MAX_HANDSHAKE_BYTES": frames.MAX_HANDSHAKE_BYTES,
    "MAX_GROUP_INFO_BYTES": frames.MAX_GROUP_INFO_BYTES,
    "MAX_EPHEMERAL_BYTES": frames.MAX_EPHEMERAL_BYTES,
    "MIN_LIFETIME": frames.MIN_LIFETIME,
    "MAX_LIFETIME": frames.MAX_LIFETIME,
    "MAX_TEXT_CHARACTERS": content.MAX_TEXT_CHARACTERS,
    "MAX_NAME_CHARACTERS": content.MAX_NAME_CHARACTERS,
    "MAX_FILE_NAME_CHARACTERS": content.MAX_FILE_NAME_CHARACTERS,
    "MAX_MEDIA_TYPE_CHARACTERS": content.MAX_MEDIA_TYPE_CHARACTERS,
    "MAX_EMOJI_CHARACTERS": content.MAX_EMOJI_CHARACTERS,
    "MAX_KEPT_SECONDS": content.MAX_KEPT_SECONDS,
    "PADDED_SIZES": content.PADDED_SIZES,
}


def members(union: Any) -> tuple[type[Struct], ...]:
    return get_args(union)


def structs() -> list[type[Struct]]:
    """Every struct once."""
    named = [struct for union in UNIONS.values() for struct in members(union)]
    return [*dict.fromkeys(named), content.Envelope]
