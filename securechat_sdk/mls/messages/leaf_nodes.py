"""RFC 9420 section 7.2: a member's leaf, and the checks that need no group (section 7.3)."""

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Annotated, Self

from securechat_sdk.mls.codec import (
    Reader,
    Select,
    Struct,
    UInt,
    Vector,
    encode_opaque,
    opaque,
    uint16,
    uint64,
)
from securechat_sdk.mls.crypto.secrets import SignaturePrivateKey
from securechat_sdk.mls.crypto.suites import CipherSuite
from securechat_sdk.mls.errors import (
    InvalidKey,
    InvalidSignature,
    LeafExtensionNotSupported,
    LeafSignatureInvalid,
)
from securechat_sdk.mls.messages.credentials import Credential
from securechat_sdk.mls.messages.extensions import (
    DEFAULT_EXTENSIONS,
    GREASE,
    Extension,
    Extensions,
    check_no_duplicates,
)
from securechat_sdk.mls.messages.indexes import LeafIndex

MLS10 = 1
_LABEL = b"LeafNodeTBS"


class Capabilities(Struct):
    """What a client supports beyond what everyone does."""

    versions: Vector[uint16]
    cipher_suites: Vector[uint16]
    extensions: Vector[uint16]
    proposals: Vector[uint16]
    credentials: Vector[uint16]


class Lifetime(Struct):
    """When a key package may be used, in seconds since 1970; both ends belong to it."""

    not_before: uint64
    not_after: uint64

    def covers(self, now: int) -> bool:
        return self.not_before <= now <= self.not_after

    @property
    def length(self) -> int:
        return self.not_after - self.not_before


class LeafNodeSource(IntEnum):
    """What a leaf node was made for."""

    KEY_PACKAGE = 1
    UPDATE = 2
    COMMIT = 3


class KeyPackageSource(Struct):
    """Made for a key package."""

    lifetime: Lifetime


class UpdateSource(Struct):
    """Made for an Update proposal."""


class CommitSource(Struct):
    """Made for the path of a commit."""

    parent_hash: opaque


Source = Annotated[
    KeyPackageSource | UpdateSource | CommitSource,
    Select(
        UInt(1),
        {
            LeafNodeSource.KEY_PACKAGE: KeyPackageSource,
            LeafNodeSource.UPDATE: UpdateSource,
            LeafNodeSource.COMMIT: CommitSource,
        },
    ),
]


@dataclass(frozen=True)
class Place:
    """Where in which group: part of what an update's or a commit's leaf signs."""

    group_id: bytes
    leaf: LeafIndex


def _place_bytes(place: Place | None) -> bytes:
    if place is None:
        return b""
    return encode_opaque(place.group_id) + place.leaf.to_bytes(4)


class LeafNodeContent(Struct):
    """Everything in a leaf node that its signature covers."""

    encryption_key: opaque
    signature_key: opaque
    credential: Credential
    capabilities: Capabilities
    source: Source
    extensions: Vector[Extension]

    def sign(
        self,
        suite: CipherSuite,
        private: SignaturePrivateKey,
        *,
        place: Place | None = None,
    ) -> "LeafNode":
        """Sign for a key package, or for a place in a group."""
        signed = self.encode_as(LeafNodeContent) + _place_bytes(place)
        signature = suite.sign_with_label(private, _LABEL, signed)
        return LeafNode(**self.fields_of(LeafNodeContent), signature=signature)


class LeafNode(LeafNodeContent):
    """A member's keys, credential and capabilities, signed with the member's key."""

    signature: opaque

    @cached_property
    def encoded(self) -> bytes:
        """Its bytes, found once: they are hashed, signed, sent and stored again and again."""
        out = bytearray()
        super().write_to(out)
        return bytes(out)

    def write_to(self, out: bytearray) -> None:
        out += self.encoded

    @classmethod
    def read_from(cls, reader: Reader) -> Self:
        start = reader.position
        leaf = super().read_from(reader)
        leaf.__dict__["encoded"] = reader.since(start)  # there is one form, so it is this one
        return leaf

    @property
    def _signed_part(self) -> bytes:
        """LeafNodeContent: all but the signature, which comes last."""
        return self.encoded[: -len(encode_opaque(self.signature))]

    def check_signature(self, suite: CipherSuite, *, place: Place | None = None) -> None:
        """Section 7.3: signed with its own key, for this place."""
        signed = self._signed_part + _place_bytes(place)
        try:
            suite.verify_with_label(self.signature_key, _LABEL, signed, self.signature)
        except (InvalidSignature, InvalidKey):
            raise LeafSignatureInvalid from None

    @property
    def is_from_key_package(self) -> bool:
        return isinstance(self.source, KeyPackageSource)

    def check_encryption_key(self, suite: CipherSuite) -> None:
        """Section 5.1.1: a key of the suite's KEM, else nobody could encrypt to the leaf."""
        suite.hpke.kem.check_public_key(self.encryption_key)

    def check_extensions(self) -> None:
        """Section 7.3 and 13.4: each extension once, and each listed as supported."""
        check_no_duplicates(self.extensions)
        self.check_supports(self.extensions)

    def supports_extension(self, extension_type: int) -> bool:
        return extension_type in DEFAULT_EXTENSIONS or (
            extension_type in self.capabilities.extensions
        )

    def check_supports(self, extensions: Extensions) -> None:
        """Section 7.3 and 10: what a client sends of itself, it also lists as supported."""
        for extension in extensions:
            kind = extension.extension_type
            if not self.supports_extension(kind) and kind not in GREASE:
                raise LeafExtensionNotSupported
