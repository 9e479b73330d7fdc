"""RFC 9420 section 5.3: who a key claims to belong to, and the function that judges the claim."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated

from securechat_sdk.mls.codec import Select, Struct, UInt, Vector, opaque


class CredentialType(IntEnum):
    """Section 17.5."""

    BASIC = 1
    X509 = 2


class BasicCredential(Struct):
    """An identity whose meaning is the application's."""

    identity: opaque


class X509Credential(Struct):
    """A certificate chain in DER, the leaf's first."""

    certificates: Vector[opaque]


_CREDENTIAL = Select(
    UInt(2),
    {CredentialType.BASIC: BasicCredential, CredentialType.X509: X509Credential},
)

Credential = Annotated[BasicCredential | X509Credential, _CREDENTIAL]


def credential_type(credential: Credential) -> int:
    return _CREDENTIAL.tag_of(credential)


@dataclass(frozen=True)
class Claim:
    """What a judge is asked: whether this credential may stand for this signature key.

    `predecessor` is the credential that this one replaces at its leaf, if it replaces one; then
    the judge also decides whether the one may succeed the other (section 5.3.1).
    """

    credential: Credential
    signature_key: bytes
    predecessor: Credential | None = None


Judge = Callable[[Claim], None]
"""Raises `CredentialRefused` when the claim does not hold."""
