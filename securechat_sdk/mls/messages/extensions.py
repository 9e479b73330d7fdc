"""RFC 9420 section 13: extensions, and the ones this engine knows."""

from enum import IntEnum

from securechat_sdk.mls.codec import Struct, Vector, opaque, uint16
from securechat_sdk.mls.errors import DuplicateExtension
from securechat_sdk.mls.messages.credentials import Credential


class ExtensionType(IntEnum):
    """Section 17.3; the last is from draft-ietf-mls-extensions."""

    APPLICATION_ID = 0x0001
    RATCHET_TREE = 0x0002
    REQUIRED_CAPABILITIES = 0x0003
    EXTERNAL_PUB = 0x0004
    EXTERNAL_SENDERS = 0x0005
    LAST_RESORT_KEY_PACKAGE = 0x000A


DEFAULT_EXTENSIONS = frozenset(range(0x0001, 0x0006))
"""Implemented by everyone, so nobody lists them (section 7.2)."""


GREASE = frozenset(0x0A0A + 0x1010 * step for step in range(15))
"""Section 13.5: values that mean nothing, sent so that ignoring stays practised."""


class Extension(Struct):
    """A type and bytes that only this type's owner can read."""

    extension_type: uint16
    extension_data: opaque


Extensions = tuple[Extension, ...]


class RequiredCapabilities(Struct):
    """Section 11.1: what every member has to support."""

    extension_types: Vector[uint16]
    proposal_types: Vector[uint16]
    credential_types: Vector[uint16]


class ExternalPub(Struct):
    """Section 12.4.3.2: the key to which a joiner encapsulates."""

    external_pub: opaque


class AllowedSender(Struct):
    """Section 12.1.8.1: the RFC's ExternalSender, one who may propose from outside."""

    signature_key: opaque
    credential: Credential


class ExternalSenders(Struct):
    """Section 12.1.8.1: the extension's content."""

    senders: Vector[AllowedSender]


def find_extension(extensions: Extensions, extension_type: int) -> bytes | None:
    for extension in extensions:
        if extension.extension_type == extension_type:
            return extension.extension_data
    return None


def check_no_duplicates(extensions: Extensions) -> None:
    """Section 13.4: no list of extensions names a type twice."""
    types = [extension.extension_type for extension in extensions]
    if len(set(types)) != len(types):
        raise DuplicateExtension


def required_capabilities(extensions: Extensions) -> RequiredCapabilities | None:
    data = find_extension(extensions, ExtensionType.REQUIRED_CAPABILITIES)
    return None if data is None else RequiredCapabilities.decode(data)


def external_senders(extensions: Extensions) -> tuple[AllowedSender, ...]:
    data = find_extension(extensions, ExtensionType.EXTERNAL_SENDERS)
    return () if data is None else ExternalSenders.decode(data).senders
