"""Secrets are types of their own: they do not print, and they compare in constant time."""

import hmac


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


class HpkePrivateKey(Secret):
    """The private half of an HPKE key, in the form of the KEM's SerializePrivateKey."""

    __slots__ = ()


class SignaturePrivateKey(Secret):
    """The private half of a signature key: the integer of ECDSA, the seed of EdDSA."""

    __slots__ = ()


def same_tag(expected: bytes, received: bytes) -> bool:
    """Whether two authentication tags are equal, in constant time and including their length."""
    return hmac.compare_digest(expected, received)
