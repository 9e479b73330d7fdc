"""Secrets are types of their own: they do not print, and they compare in constant time."""

import hmac
from collections.abc import Callable
from typing import Any, TypeVar, cast

T = TypeVar("T")


class Secret(bytes):
    """Bytes that must not be seen."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    __str__ = __repr__

    def __format__(self, _spec: str) -> str:
        return repr(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, bytes) and hmac.compare_digest(bytes(self), bytes(other))

    def __hash__(self) -> int:
        return super().__hash__()


class PrivateKey(Secret):
    """A private key in the form in which it is stored."""

    # Which function read the key, and what it made of it; hence Any.
    _read: tuple[Callable[[bytes], Any], Any] | None = None

    def read(self, reader: Callable[[bytes], T]) -> T:
        """What the reader makes of the key, once: most of them compute the public half too.

        It is kept for as long as the key itself, and goes with it.
        """
        if self._read is None or self._read[0] != reader:
            self._read = (reader, reader(self))
        return cast("T", self._read[1])


class HpkePrivateKey(PrivateKey):
    """The private half of an HPKE key, in the form of the KEM's SerializePrivateKey."""


class SignaturePrivateKey(PrivateKey):
    """The private half of a signature key: the integer of ECDSA, the seed of EdDSA."""


def same_tag(expected: bytes, received: bytes) -> bool:
    """Whether two authentication tags are equal, in constant time and including their length."""
    return hmac.compare_digest(expected, received)
