"""RFC 9420 section 10: key packages, unchecked as they arrive and checked."""

from collections.abc import Collection
from typing import NoReturn, Self

from securechat_sdk.mls.codec import Reader, Struct, Vector, opaque, uint16
from securechat_sdk.mls.crypto.secrets import SignaturePrivateKey
from securechat_sdk.mls.crypto.suites import KEY_PACKAGE_REFERENCE, CipherSuite, cipher_suite
from securechat_sdk.mls.errors import (
    InitKeyReused,
    InvalidKey,
    InvalidSignature,
    KeyPackageSignatureInvalid,
    KeyPackageSuiteMismatch,
    LeafSourceMismatch,
    LifetimeNotNow,
    LifetimeTooLong,
    UnsupportedVersion,
)
from securechat_sdk.mls.messages.credentials import Claim, Judge
from securechat_sdk.mls.messages.extensions import (
    Extension,
    ExtensionType,
    check_no_duplicates,
    find_extension,
)
from securechat_sdk.mls.messages.leaf_nodes import MLS10, KeyPackageSource, LeafNode, Lifetime

LONGEST_LIFETIME = 90 * 24 * 3600
CLOCK_SKEW = 24 * 3600
"""Clients date a key package back a little, lest it be too young for a slow clock."""

_LABEL = b"KeyPackageTBS"


class KeyPackageContent(Struct):
    """Everything in a key package that its signature covers."""

    version: uint16
    cipher_suite: uint16
    init_key: opaque
    leaf_node: LeafNode
    extensions: Vector[Extension]

    def sign(self, suite: CipherSuite, private: SignaturePrivateKey) -> "UncheckedKeyPackage":
        signature = suite.sign_with_label(private, _LABEL, self.encode_as(KeyPackageContent))
        return UncheckedKeyPackage(**self.fields_of(KeyPackageContent), signature=signature)


class UncheckedKeyPackage(KeyPackageContent):
    """A key package as it came from outside; `check` makes it usable."""

    signature: opaque

    @property
    def reference(self) -> bytes:
        """KeyPackageRef, section 5.2; raises `UnsupportedSuite`."""
        return cipher_suite(self.cipher_suite).ref_hash(KEY_PACKAGE_REFERENCE, self.encode())

    @property
    def is_last_resort(self) -> bool:
        """Whether it may be handed out more than once, when there is no other."""
        kind = ExtensionType.LAST_RESORT_KEY_PACKAGE
        return find_extension(self.extensions, kind) is not None

    def check(
        self,
        *,
        now: int | None,
        suites: Collection[int],
        judge: Judge,
        longest_lifetime: int = LONGEST_LIFETIME,
    ) -> "KeyPackage":
        """Section 10.1: the checked key package, or one of the package's errors.

        `now` is in seconds since 1970; None leaves the lifetime to the caller, who is then
        looking at a package that others accepted at another time.
        """
        self._check_version_and_suite(suites)
        suite = cipher_suite(self.cipher_suite)
        self._check_source()
        self._check_keys(suite)
        self._check_signature(suite)
        self.leaf_node.check_signature(suite)
        self.leaf_node.check_extensions()
        check_no_duplicates(self.extensions)
        self.leaf_node.check_supports(self.extensions)
        if now is not None:
            self._check_lifetime(now, longest_lifetime)
        judge(Claim(self.leaf_node.credential, self.leaf_node.signature_key))
        return KeyPackage(**vars(self))

    @property
    def lifetime(self) -> Lifetime:
        """When it may be used; raises `LeafSourceMismatch` if it is no key package's leaf."""
        source = self.leaf_node.source
        if not isinstance(source, KeyPackageSource):
            raise LeafSourceMismatch
        return source.lifetime

    def _check_version_and_suite(self, suites: Collection[int]) -> None:
        if self.version != MLS10:
            raise UnsupportedVersion
        if self.cipher_suite not in suites:
            raise KeyPackageSuiteMismatch

    def _check_source(self) -> None:
        if not isinstance(self.leaf_node.source, KeyPackageSource):
            raise LeafSourceMismatch

    def _check_keys(self, suite: CipherSuite) -> None:
        if self.init_key == self.leaf_node.encryption_key:
            raise InitKeyReused
        suite.hpke.kem.check_public_key(self.init_key)
        suite.hpke.kem.check_public_key(self.leaf_node.encryption_key)

    def _check_signature(self, suite: CipherSuite) -> None:
        signed = self.encode_as(KeyPackageContent)
        key = self.leaf_node.signature_key
        try:
            suite.verify_with_label(key, _LABEL, signed, self.signature)
        except (InvalidSignature, InvalidKey):
            raise KeyPackageSignatureInvalid from None

    def _check_lifetime(self, now: int, longest: int) -> None:
        if not self.lifetime.covers(now):
            raise LifetimeNotNow
        if self.lifetime.length > longest + CLOCK_SKEW:
            raise LifetimeTooLong


class KeyPackage(UncheckedKeyPackage):
    """A key package that passed every check; only `UncheckedKeyPackage.check` makes one."""

    @classmethod
    def read_from(cls, _reader: Reader) -> Self:
        return _checked_data_is_not_read()


def _checked_data_is_not_read() -> NoReturn:
    raise TypeError("read an UncheckedKeyPackage and check it")
