
"""Everything the engine refuses, as one drawn tree. Nothing else escapes from any bytes.

    MLSError
    ├── DecodeError                     the bytes are not the structure
    ├── OutOfRange                      a value does not fit the structure
    ├── CryptoError
    │   ├── UnsupportedSuite
    │   ├── InvalidKey
    │   ├── InvalidSignature
    │   └── DecryptionFailed
    ├── Refused                         well-formed, and against a rule
    │   ├── UnsupportedVersion
    │   ├── CredentialRefused
    │   ├── LeafNodeRefused             section 7.3, one class per rule below it
    │   ├── KeyPackageRefused           section 10.1
    │   ├── ProposalRefused             section 12.1
    │   ├── ProposalListRefused         section 12.2
    │   ├── CommitRefused               section 12.4.2
    │   ├── MessageRefused              section 6
    │   ├── TreeRefused                 section 7.9 and 12.4.3.1
    │   ├── WelcomeRefused              section 12.4.3.1
    │   ├── GroupInfoRefused            section 12.4.3
    │   └── PskRefused                  section 8.4
    └── StateError                      right in itself, and not now

`code` is stable: it is the class's name in snake case, and a test pins the whole list.
"""

import re
from typing import ClassVar


class MLSError(Exception):
    """Something the engine refuses."""

    code: ClassVar[str] = "mls_error"

    def __init_subclass__(cls) -> None:
        cls.code = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()

    def __init__(self, reason: str | None = None) -> None:
        super().__init__(reason or (self.__doc__ or "").strip())


class DecodeError(MLSError):
    """The bytes are not exactly one value of this structure."""


class OutOfRange(MLSError):
    """The value does not fit the structure."""


class CryptoError(MLSError):
    """A cryptographic operation failed."""


class UnsupportedSuite(CryptoError):
    """The cipher suite is not one of the engine's."""


class InvalidKey(CryptoError):
    """The bytes are not a key of this algorithm."""


class InvalidSignature(CryptoError):
    """The signature is not the key's over these bytes."""


class DecryptionFailed(CryptoError):
    """The ciphertext was not made for this key and context."""


class Refused(MLSError):
    """The message is well-formed and breaks a rule."""


class UnsupportedVersion(Refused):
    """RFC 9420 section 6: the protocol version is not MLS 1.0."""


class CredentialRefused(Refused):
    """RFC 9420 section 5.3.1: the application does not accept the credential for this key."""


class DuplicateExtension(Refused):
    """RFC 9420 section 13.4: an extension list names a type twice."""


class LeafNodeRefused(Refused):
    """RFC 9420 section 7.3: the leaf node is not valid here."""


class LeafSignatureInvalid(LeafNodeRefused):
    """RFC 9420 section 7.3: the leaf node is not signed by its own key."""


class LeafSourceMismatch(LeafNodeRefused):
    """RFC 9420 section 7.3: the leaf node was made for another use."""


class LeafExtensionNotSupported(LeafNodeRefused):
    """RFC 9420 section 7.3: the leaf carries an extension that it does not list as supported."""


class RequiredCapabilityMissing(LeafNodeRefused):
    """RFC 9420 section 7.3: the leaf lacks a capability that the group requires."""


class CredentialTypeNotShared(LeafNodeRefused):
    """RFC 9420 section 7.3: a member's credential type is not supported by every member."""


class GroupExtensionNotSupported(LeafNodeRefused):
    """RFC 9420 section 12.1.7: a member does not support an extension of the group context."""


class EncryptionKeyReused(LeafNodeRefused):
    """RFC 9420 section 7.3: the leaf's encryption key is already in the tree."""


class SignatureKeyReused(LeafNodeRefused):
    """RFC 9420 section 7.3: the leaf's signature key is already in the tree."""


class LeafKeyNotFresh(LeafNodeRefused):
    """RFC 9420 section 7.3: the leaf keeps the encryption key of the leaf it replaces."""


class KeyPackageRefused(Refused):
    """RFC 9420 section 10.1: the key package is not valid here."""


class KeyPackageSuiteMismatch(KeyPackageRefused):
    """RFC 9420 section 10.1: the key package is for another version or cipher suite."""


class KeyPackageSignatureInvalid(KeyPackageRefused):
    """RFC 9420 section 10.1: the key package is not signed by its leaf."""


class InitKeyReused(KeyPackageRefused):
    """RFC 9420 section 10.1: the init key is the leaf's encryption key."""


class LifetimeNotNow(KeyPackageRefused):
    """RFC 9420 section 10.1: the key package is not valid yet, or no longer."""


class LifetimeTooLong(KeyPackageRefused):
    """RFC 9420 section 10.1: the key package is meant to live longer than the policy allows."""


class GroupInfoRefused(Refused):
    """RFC 9420 section 12.4.3: the GroupInfo is not valid here."""


class GroupInfoSignatureInvalid(GroupInfoRefused):
    """RFC 9420 section 12.4.3: the GroupInfo is not signed by the member that it names."""
