"""Every structure in the browser's engine: reading undoes writing, and both read the same bytes."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from securechat_sdk.mls.codec import Struct
from securechat_sdk.mls.errors import DecodeError, MLSError
from tests.mls.fuzz import spoil
from tests.mls.peers.browser import BrowserEngine, Refusal
from tests.mls.strategies import values_of
from tests.mls.test_structures import STRUCTURES, calm

PRIVATE = "Stored"
"""The parts of a stored state have no name outside their module; states are compared elsewhere."""
HASHED = {"LeafNodeHashInput", "ParentNodeHashInput", "TreeHashInput"}
"""What is only hashed; the vectors have the hashes."""
NAMED = [
    kind
    for kind in STRUCTURES
    if kind.__module__.startswith("securechat_sdk.mls.")
    and not kind.__name__.startswith(PRIVATE)
    and kind.__name__ not in HASHED
]


def again(engine: BrowserEngine, kind: type[Struct], data: bytes) -> str:
    """The bytes read and written again, or the code of the refusal."""
    try:
        answer: str = engine.ask("reader", "again", structure=kind.__name__, data=data.hex())[
            "data"
        ]
    except Refusal as refusal:
        return refusal.code
    return answer


def again_here(kind: type[Struct], data: bytes) -> str:
    try:
        return kind.decode(data).encode().hex()
    except MLSError as refusal:
        return refusal.code


def test_both_engines_have_the_same_structures(engine: BrowserEngine) -> None:
    names = set(engine.ask("reader", "structures")["names"].split("\n"))

    assert {kind.__name__ for kind in NAMED} - names == set()


@pytest.mark.parametrize("kind", NAMED, ids=lambda kind: kind.__qualname__)
def test_what_python_writes_is_read_and_written_alike(
    engine: BrowserEngine, kind: type[Struct]
) -> None:
    @calm
    @given(values_of(kind))
    def check(value: Struct) -> None:
        data = value.encode()

        assert again(engine, kind, data) == data.hex()
        assert again(engine, kind, data + b"\x00") == DecodeError.code

    check()


@pytest.mark.parametrize("kind", NAMED, ids=lambda kind: kind.__qualname__)
def test_spoiled_bytes_are_read_by_both_or_by_neither(
    engine: BrowserEngine, kind: type[Struct]
) -> None:
    @calm
    @given(values_of(kind), st.integers(0, 2**32))
    def check(value: Struct, seed: int) -> None:
        data = spoil(Random(seed), value.encode())

        assert again(engine, kind, data) == again_here(kind, data)

    check()
