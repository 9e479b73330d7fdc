"""RFC 9420 section 2: the TLS presentation language, declared once per structure.

A structure is a class whose body reads like the RFC's; encoding and decoding follow from it:

    class Lifetime(Struct):
        not_before: uint64
        not_after: uint64

Decoding is strict. What is not exactly one value, shortest lengths, known choices, nothing left
over, raises `DecodeError`, and no length is believed before that many bytes are there.
"""

import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import (
    Annotated,
    Any,
    ClassVar,
    Generic,
    Protocol,
    Self,
    TypeVar,
    dataclass_transform,
)

from securechat_sdk.mls.errors import DecodeError, OutOfRange

T = TypeVar("T")
StructType = TypeVar("StructType", bound="Struct")

_ONE_BYTE_LIMIT = 1 << 6
_TWO_BYTE_LIMIT = 1 << 14
_FOUR_BYTE_LIMIT = 1 << 30


class Reader:
    """A cursor over bytes that never goes past the end of the structure being read."""

    __slots__ = ("_data", "_end", "_position")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0
        self._end = len(data)

    @property
    def position(self) -> int:
        return self._position

    @property
    def remaining(self) -> int:
        return self._end - self._position

    def since(self, start: int) -> bytes:
        """What was read after `start`, which was this reader's position then."""
        return self._data[start : self._position]

    def take(self, length: int) -> bytes:
        start = self._position
        stop = start + length
        if stop > self._end:
            raise DecodeError("the value is longer than the bytes that carry it")
        self._position = stop
        return self._data[start:stop]

    def uint(self, width: int) -> int:
        start = self._position
        stop = self._position = start + width
        if stop > self._end:
            raise DecodeError("the value is longer than the bytes that carry it")
        return int.from_bytes(self._data[start:stop])

    def length(self) -> int:
        """Read a variable-size length, which must be in its shortest form."""
        first = self.uint(1)
        if first < _ONE_BYTE_LIMIT:
            return first
        prefix, length = first >> 6, first & 0x3F
        if prefix == 1:
            length = (length << 8) | self.uint(1)
            shortest = length >= _ONE_BYTE_LIMIT
        elif prefix == 2:  # noqa: PLR2004  the RFC's two-bit prefix
            length = (length << 24) | self.uint(3)
            shortest = length >= _TWO_BYTE_LIMIT
        else:
            raise DecodeError("lengths of eight bytes do not exist in MLS")
        if not shortest:
            raise DecodeError("a length is not in its shortest form")
        return length

    def opaque(self) -> bytes:
        return self.take(self.length())

    def vector(self, read: Callable[["Reader"], T]) -> tuple[T, ...]:
        """Read values until the vector's declared bytes are used up exactly."""
        length = self.length()
        if length > self.remaining:
            raise DecodeError("the vector is longer than the bytes that carry it")
        outer, self._end = self._end, self._position + length
        values = []
        while self._position < self._end:
            values.append(read(self))
        self._end = outer
        return tuple(values)

    def finish(self) -> None:
        if self.remaining:
            raise DecodeError("bytes are left over after the value")


def encode_length(length: int) -> bytes:
    if length < _ONE_BYTE_LIMIT:
        return length.to_bytes(1)
    if length < _TWO_BYTE_LIMIT:
        return (length | 0x4000).to_bytes(2)
    if length < _FOUR_BYTE_LIMIT:
        return (length | 0x80000000).to_bytes(4)
    raise OutOfRange("a vector holds fewer than 2^30 bytes")


def encode_opaque(data: bytes) -> bytes:
    """The bytes with their length in front: `opaque value<V>`."""
    return encode_length(len(data)) + data


class Codec(Protocol[T]):
    """How one kind of value is written and read."""

    def write(self, out: bytearray, value: T) -> None: ...

    def read(self, reader: Reader) -> T: ...


@dataclass(frozen=True)
class UInt:
    """An unsigned number of a fixed width, read as `kind`."""

    width: int
    kind: Callable[[int], int] = int

    def write(self, out: bytearray, value: int) -> None:
        try:
            out += value.to_bytes(self.width)
        except OverflowError:
            raise OutOfRange(f"the number does not fit in {self.width} bytes") from None

    def read(self, reader: Reader) -> int:
        value = reader.uint(self.width)
        try:
            return self.kind(value)
        except ValueError:
            raise DecodeError("the number is none of the values defined for it") from None


@dataclass(frozen=True)
class Opaque:
    """Bytes with their length in front, read as `kind`."""

    kind: Callable[[bytes], bytes] = bytes

    def write(self, out: bytearray, value: bytes) -> None:
        out += encode_length(len(value))
        out += value

    def read(self, reader: Reader) -> bytes:
        return self.kind(reader.opaque())


@dataclass(frozen=True)
class Fixed:
    """Exactly `size` bytes."""

    size: int

    def write(self, out: bytearray, value: bytes) -> None:
        if len(value) != self.size:
            raise OutOfRange(f"the value has to be {self.size} bytes long")
        out += value

    def read(self, reader: Reader) -> bytes:
        return reader.take(self.size)


class _VectorMark:
    """Marks a tuple as a variable-size vector; see `Vector`."""


@dataclass(frozen=True)
class VectorOf(Generic[T]):
    """Values one after the other, the number of their bytes in front."""

    item: Codec[T]

    def write(self, out: bytearray, value: tuple[T, ...]) -> None:
        body = bytearray()
        for item in value:
            self.item.write(body, item)
        out += encode_length(len(body))
        out += body

    def read(self, reader: Reader) -> tuple[T, ...]:
        return reader.vector(self.item.read)


@dataclass(frozen=True)
class OptionalOf(Generic[T]):
    """`optional<T>`: one byte, 0 for absent and 1 for present."""

    item: Codec[T]

    def write(self, out: bytearray, value: T | None) -> None:
        if value is None:
            out.append(0)
        else:
            out.append(1)
            self.item.write(out, value)

    def read(self, reader: Reader) -> T | None:
        present = reader.uint(1)
        if present > 1:
            raise DecodeError("an optional value is neither absent nor present")
        return self.item.read(reader) if present else None


class Select:
    """`select`: a number that says which structure follows."""

    def __init__(self, tag: UInt, cases: Mapping[int, type["Struct"]]) -> None:
        self._tag = tag
        self._cases = dict(cases)
        self._tags = {case: number for number, case in cases.items()}

    def tag_of(self, value: "Struct") -> int:
        for kind in type(value).__mro__:
            if kind in self._tags:
                return self._tags[kind]
        raise TypeError(f"{type(value).__name__} is none of the choices")

    def write(self, out: bytearray, value: "Struct") -> None:
        self._tag.write(out, self.tag_of(value))
        value.write_to(out)

    def read(self, reader: Reader) -> "Struct":
        case = self._cases.get(self._tag.read(reader))
        if case is None:
            raise DecodeError("the choice is none of the known ones")
        return case.read_from(reader)


@dataclass(frozen=True)
class _StructCodec:
    kind: type["Struct"]

    def write(self, out: bytearray, value: "Struct") -> None:
        value.write_to(out)

    def read(self, reader: Reader) -> "Struct":
        return self.kind.read_from(reader)


@dataclass_transform(frozen_default=True)
class Struct:
    """A frozen value that knows its bytes from the annotations in its class body."""

    _fields: ClassVar[tuple[tuple[str, Codec[Any]], ...]] = ()

    def __init_subclass__(cls) -> None:
        dataclass(frozen=True)(cls)
        hints = typing.get_type_hints(cls, include_extras=True)
        cls._fields = tuple(
            (name, codec_for(hint))
            for name, hint in hints.items()
            if typing.get_origin(hint) is not ClassVar
        )

    @classmethod
    def names(cls) -> tuple[str, ...]:
        return tuple(name for name, _codec in cls._fields)

    def write_to(self, out: bytearray) -> None:
        for name, codec in self._fields:
            codec.write(out, getattr(self, name))

    @classmethod
    def read_from(cls, reader: Reader) -> Self:
        value = object.__new__(cls)
        fields = value.__dict__  # the frozen class's own door; nobody holds the value yet
        for name, codec in cls._fields:
            fields[name] = codec.read(reader)
        return value

    def encode(self) -> bytes:
        out = bytearray()
        self.write_to(out)
        return bytes(out)

    def fields_of(self, base: "type[Struct]") -> dict[str, Any]:
        """The fields of `base`, a class this one extends, by name; hence Any."""
        return {name: getattr(self, name) for name in base.names()}

    def encode_as(self, base: "type[Struct]") -> bytes:
        """Only the fields of `base`, a class this one extends: what a signature covers."""
        out = bytearray()
        for name, codec in base._fields:
            codec.write(out, getattr(self, name))
        return bytes(out)

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read exactly one value from exactly these bytes, or raise `DecodeError`."""
        reader = Reader(bytes(data))
        value = cls.read_from(reader)
        reader.finish()
        return value


def codec_for(hint: Any) -> Codec[Any]:
    """The codec an annotation asks for."""
    origin = typing.get_origin(hint)
    if origin is Annotated:
        kind, mark = typing.get_args(hint)[:2]
        if isinstance(mark, _VectorMark):
            return VectorOf(codec_for(typing.get_args(kind)[0]))
        if isinstance(mark, UInt | Opaque | Fixed | Select):
            return mark
    if origin in (typing.Union, types.UnionType):
        (item,) = (choice for choice in typing.get_args(hint) if choice is not types.NoneType)
        return OptionalOf(codec_for(item))
    if isinstance(hint, type) and issubclass(hint, Struct):
        return _StructCodec(hint)
    raise TypeError(f"no encoding is defined for {hint}")


def encode_vector(kind: Any, values: tuple[Any, ...]) -> bytes:
    """The values as `kind values<V>`; `kind` is an annotation, hence Any."""
    out = bytearray()
    VectorOf(codec_for(kind)).write(out, values)
    return bytes(out)


def decode_vector(kind: Any, data: bytes) -> tuple[Any, ...]:
    """Exactly one `kind values<V>`; `kind` is an annotation, hence Any."""
    reader = Reader(bytes(data))
    values = VectorOf(codec_for(kind)).read(reader)
    reader.finish()
    return values


uint8 = Annotated[int, UInt(1)]
uint16 = Annotated[int, UInt(2)]
uint32 = Annotated[int, UInt(4)]
uint64 = Annotated[int, UInt(8)]
opaque = Annotated[bytes, Opaque()]
Vector = Annotated[tuple[T, ...], _VectorMark()]
