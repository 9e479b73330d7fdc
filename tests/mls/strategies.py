"""Values of every declared structure, drawn from the declaration itself."""

from typing import Any

from hypothesis import strategies as st

from securechat_sdk.mls.codec import Fixed, Opaque, OptionalOf, Select, Struct, UInt, VectorOf
from securechat_sdk.mls.messages.framing import (
    AuthenticatedContent,
    ContentType,
    FramedContent,
    FramedContentAuthData,
    Member,
    PublicMessage,
    WireFormat,
)
from securechat_sdk.mls.messages.key_packages import KeyPackage
from securechat_sdk.mls.messages.mls_message import _BODY, MLSMessage


def structures() -> list[type[Struct]]:
    """Every structure that has bytes of its own."""
    found: list[type[Struct]] = []
    waiting = list(Struct.__subclasses__())
    while waiting:
        kind = waiting.pop()
        waiting.extend(kind.__subclasses__())
        # The tag of authentication data depends on its owner; checked data is not read.
        if kind not in (FramedContentAuthData, KeyPackage) and kind.__module__.startswith(
            "securechat_sdk"
        ):
            found.append(kind)
    return sorted(set(found), key=lambda kind: kind.__qualname__)


def values_of(kind: type[Struct]) -> st.SearchStrategy[Any]:
    if kind is MLSMessage:
        return _values(_BODY).map(MLSMessage.of)
    if kind is AuthenticatedContent:
        return st.tuples(st.sampled_from(WireFormat), values_of(FramedContent)).flatmap(
            lambda pair: _auth(pair[1]).map(
                lambda auth: AuthenticatedContent(wire_format=pair[0], content=pair[1], auth=auth)
            )
        )
    if kind is PublicMessage:
        return values_of(FramedContent).flatmap(_public_message)
    return st.builds(kind, **{name: _values(codec) for name, codec in kind._fields})


def _auth(content: FramedContent) -> st.SearchStrategy[FramedContentAuthData]:
    is_commit = content.content_type is ContentType.COMMIT
    return st.builds(
        FramedContentAuthData,
        signature=_BYTES,
        confirmation_tag=_BYTES if is_commit else st.none(),
    )


def _public_message(content: FramedContent) -> st.SearchStrategy[PublicMessage]:
    return st.builds(
        PublicMessage,
        content=st.just(content),
        auth=_auth(content),
        membership_tag=_BYTES if isinstance(content.sender, Member) else st.none(),
    )


_BYTES = st.binary(max_size=70)


def _values(codec: Any) -> st.SearchStrategy[Any]:  # noqa: PLR0911  one for each codec
    """Values that one codec writes; codecs are told apart by their class, hence Any."""
    match codec:
        case UInt(width=width, kind=kind):
            if isinstance(kind, type) and hasattr(kind, "__members__"):
                return st.sampled_from(list(kind))  # type: ignore[call-overload]  # an enum
            return st.integers(0, 256**width - 1)
        case Opaque(kind=kind):
            return _BYTES.map(kind)
        case Fixed(size=size):
            return st.binary(min_size=size, max_size=size)
        case VectorOf(item=item):
            return st.lists(_values(item), max_size=3).map(tuple)
        case OptionalOf(item=item):
            return st.none() | _values(item)
        case Select():
            return st.one_of([values_of(kind) for kind in codec._tags])
        case _:
            return values_of(codec.kind)
