"""Comparing what was computed with what a vector says."""

from typing import Any

Case = dict[str, Any]
"""One object of a vector file: JSON, hence Any."""


class VectorMismatchError(Exception):
    """The engine computed something else than the vector says."""


def expect(what: str, computed: object, published: object) -> None:
    if computed != published:
        raise VectorMismatchError(f"{what}: computed {computed!r}, published {published!r}")


def unhex(text: str) -> bytes:
    return bytes.fromhex(text)
