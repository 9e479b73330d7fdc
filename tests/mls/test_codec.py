"""What the presentation language promises: one value, one encoding, nothing else."""

from collections.abc import Callable
from enum import IntEnum
from typing import Annotated

import pytest

from securechat_sdk.mls.codec import (
    Fixed,
    Reader,
    Select,
    Struct,
    UInt,
    Vector,
    encode_length,
    encode_opaque,
    opaque,
    uint8,
    uint16,
    uint32,
    uint64,
)
from securechat_sdk.mls.errors import DecodeError, OutOfRange


class Colour(IntEnum):
    """Two known numbers."""

    RED = 1
    BLUE = 2


class Small(Struct):
    """One number."""

    number: uint8


class Empty(Struct):
    """No fields at all."""


class Sample(Struct):
    """One field of every kind."""

    tiny: uint8
    short: uint16
    long: uint32
    longest: uint64
    colour: Annotated[Colour, UInt(1, Colour)]
    body: opaque
    tag: Annotated[bytes, Fixed(2)]
    numbers: Vector[uint16]
    maybe: Small | None
    choice: Annotated[Small | Empty, Select(UInt(1), {1: Small, 2: Empty})]


SAMPLE = Sample(
    tiny=1,
    short=2,
    long=3,
    longest=4,
    colour=Colour.BLUE,
    body=b"xyz",
    tag=b"ab",
    numbers=(5, 6),
    maybe=Small(number=7),
    choice=Small(number=8),
)
HEAD = "01 0002 00000003 0000000000000004"
SAMPLE_HEX = f"{HEAD} 02 03 78797a 6162 04 00050006 01 07 01 08"


def test_a_structure_is_written_field_by_field() -> None:
    assert SAMPLE.encode() == bytes.fromhex(SAMPLE_HEX)


def test_a_structure_is_read_back_equal() -> None:
    assert Sample.decode(bytes.fromhex(SAMPLE_HEX)) == SAMPLE


@pytest.mark.parametrize("cut", range(len(bytes.fromhex(SAMPLE_HEX))))
def test_a_shortened_structure_is_refused(cut: int) -> None:
    with pytest.raises(DecodeError):
        Sample.decode(bytes.fromhex(SAMPLE_HEX)[:cut])


BAD_SAMPLES = {
    "a byte too many": f"{HEAD} 02 03 78797a 6162 04 00050006 01 07 01 08 00",
    "an unknown enum value": f"{HEAD} 03 03 78797a 6162 04 00050006 01 07 01 08",
    "an optional of two": f"{HEAD} 02 03 78797a 6162 04 00050006 02 07 01 08",
    "an unknown choice": f"{HEAD} 02 03 78797a 6162 04 00050006 01 07 03 08",
    "half an item": f"{HEAD} 02 03 78797a 6162 03 000500 01 07 01 08",
    "a long length": f"{HEAD} 02 4003 78797a 6162 04 00050006 01 07 01 08",
    "a huge vector": f"{HEAD} 02 03 78797a 6162 bfffffff 00050006 01 07 01",
    "a huge string": f"{HEAD} 02 bfffffff 78797a 6162 04 00050006 01 07",
}


@pytest.mark.parametrize("text", BAD_SAMPLES.values(), ids=BAD_SAMPLES.keys())
def test_bytes_that_are_not_exactly_one_value_are_refused(text: str) -> None:
    with pytest.raises(DecodeError):
        Sample.decode(bytes.fromhex(text))


@pytest.mark.parametrize(
    ("length", "encoded"),
    [
        (0, "00"),
        (63, "3f"),
        (64, "4040"),
        (16383, "7fff"),
        (16384, "80004000"),
        (2**30 - 1, "bfffffff"),
    ],
)
def test_lengths_take_their_shortest_form(length: int, encoded: str) -> None:
    assert encode_length(length).hex() == encoded
    assert Reader(bytes.fromhex(encoded)).length() == length


@pytest.mark.parametrize(
    "encoded",
    ["4000", "403f", "80000000", "80003fff", "c000000000000000", "c0", "ff", "40", "800040", ""],
)
def test_other_forms_of_a_length_are_refused(encoded: str) -> None:
    with pytest.raises(DecodeError):
        Reader(bytes.fromhex(encoded)).length()


def test_a_vector_of_a_gibibyte_cannot_be_written() -> None:
    with pytest.raises(OutOfRange):
        encode_length(2**30)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Small(number=256).encode(),
        lambda: Small(number=-1).encode(),
        lambda: Sample(**{**vars(SAMPLE), "tag": b"abc"}).encode(),
    ],
    ids=["too large", "negative", "wrong size"],
)
def test_a_value_that_does_not_fit_cannot_be_written(wrong: Callable[[], bytes]) -> None:
    with pytest.raises(OutOfRange):
        wrong()


def test_a_structure_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Small(number=1).number = 2  # type: ignore[misc]


def test_bytes_are_written_with_their_length_in_front() -> None:
    assert encode_opaque(b"abc") == b"\x03abc"
