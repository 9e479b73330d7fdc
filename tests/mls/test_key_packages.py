"""What a key package has to be before anyone may use it (RFC 9420 section 10.1)."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from securechat_sdk.mls.codec import Reader
from securechat_sdk.mls.crypto.suites import SUITES
from securechat_sdk.mls.errors import (
    CredentialRefused,
    DuplicateExtension,
    InitKeyReused,
    InvalidKey,
    KeyPackageSignatureInvalid,
    KeyPackageSuiteMismatch,
    LeafExtensionNotSupported,
    LeafSignatureInvalid,
    LeafSourceMismatch,
    LifetimeNotNow,
    LifetimeTooLong,
    MLSError,
    UnsupportedVersion,
)
from securechat_sdk.mls.messages.credentials import BasicCredential, Claim
from securechat_sdk.mls.messages.extensions import Extension, ExtensionType
from securechat_sdk.mls.messages.key_packages import KeyPackage, UncheckedKeyPackage
from securechat_sdk.mls.messages.leaf_nodes import KeyPackageSource, Lifetime, UpdateSource
from securechat_sdk.mls.messages.mls_message import MLSMessage
from tests.mls.people import DAY, NOW, Card, accept_anyone, make_card

EVERY_SUITE = sorted(SUITES)


@pytest.fixture
def alice() -> Card:
    return make_card("alice")


def signed_by_anybody(package: UncheckedKeyPackage) -> UncheckedKeyPackage:
    """With the neutral point of Ed25519 for a key, which some libraries take."""
    one = bytes([1]) + bytes(31)
    anything = one + bytes(32)
    leaf = replace(package.leaf_node, signature_key=one, signature=anything)
    return replace(package, leaf_node=leaf, signature=anything)


def checked(package: UncheckedKeyPackage, now: int = NOW) -> KeyPackage:
    return package.check(now=now, suites=(1,), judge=accept_anyone)


@pytest.mark.parametrize("suite", EVERY_SUITE)
def test_a_key_package_of_every_suite_passes(suite: int) -> None:
    package = make_card("alice", suite).package

    received = MLSMessage.decode(MLSMessage.of(package).encode()).body

    assert isinstance(received, UncheckedKeyPackage)
    checked_package = received.check(now=NOW, suites=(suite,), judge=accept_anyone)
    assert isinstance(checked_package, KeyPackage)
    assert checked_package.encode() == package.encode()


def test_a_key_package_is_known_by_its_hash(alice: Card) -> None:
    assert len(alice.package.reference) == 32
    assert alice.package.reference == checked(alice.package).reference
    assert alice.package.reference != make_card("alice").package.reference


def test_a_last_resort_key_package_says_so(alice: Card) -> None:
    mark = Extension(extension_type=ExtensionType.LAST_RESORT_KEY_PACKAGE, extension_data=b"")

    assert checked(make_card("alice", extensions=(mark,)).package).is_last_resort
    assert not checked(alice.package).is_last_resort


def _lifetime(not_before: int, not_after: int) -> KeyPackageSource:
    return KeyPackageSource(lifetime=Lifetime(not_before=not_before, not_after=not_after))


_UNKNOWN = Extension(extension_type=0xFF00, extension_data=b"")
_APPLICATION_ID = Extension(extension_type=1, extension_data=b"x")

REFUSED: dict[str, tuple[Callable[[Card], UncheckedKeyPackage], type[MLSError]]] = {
    "another version": (lambda card: card.edited(version=2), UnsupportedVersion),
    "another suite": (lambda card: card.edited(cipher_suite=2), KeyPackageSuiteMismatch),
    "a suite nobody knows": (lambda card: card.edited(cipher_suite=99), KeyPackageSuiteMismatch),
    "a leaf made for an update": (
        lambda card: card.with_leaf(source=UpdateSource()),
        LeafSourceMismatch,
    ),
    "one key for two purposes": (
        lambda card: card.edited(init_key=card.encryption.public),
        InitKeyReused,
    ),
    "an init key of the wrong size": (lambda card: card.edited(init_key=b"x" * 31), InvalidKey),
    "a key that signs everything": (
        lambda card: signed_by_anybody(card.package),
        KeyPackageSignatureInvalid,
    ),
    "an init key of low order": (lambda card: card.edited(init_key=bytes(32)), InvalidKey),
    "an encryption key of low order": (
        lambda card: card.with_leaf(encryption_key=bytes(32)),
        InvalidKey,
    ),
    "an encryption key of the wrong size": (
        lambda card: card.with_leaf(encryption_key=b"x" * 33),
        InvalidKey,
    ),
    "a forged signature": (
        lambda card: replace(card.package, signature=bytes(64)),
        KeyPackageSignatureInvalid,
    ),
    "a signature of another client": (
        lambda card: replace(card.package, init_key=make_card("mallory").init.public),
        KeyPackageSignatureInvalid,
    ),
    "a leaf that is not signed": (
        lambda card: card.edited(leaf_node=replace(card.package.leaf_node, signature=bytes(64))),
        LeafSignatureInvalid,
    ),
    "an extension it does not support": (
        lambda card: card.with_leaf(extensions=(_UNKNOWN,)),
        LeafExtensionNotSupported,
    ),
    "an extension of its own that it does not support": (
        lambda card: card.edited(extensions=(_UNKNOWN,)),
        LeafExtensionNotSupported,
    ),
    "an extension twice in the leaf": (
        lambda card: card.with_leaf(extensions=(_APPLICATION_ID, _APPLICATION_ID)),
        DuplicateExtension,
    ),
    "an extension twice": (
        lambda card: card.edited(extensions=(_UNKNOWN, _UNKNOWN)),
        DuplicateExtension,
    ),
    "a lifetime that is over": (
        lambda card: card.with_leaf(source=_lifetime(NOW - DAY, NOW - 1)),
        LifetimeNotNow,
    ),
    "a lifetime that has not begun": (
        lambda card: card.with_leaf(source=_lifetime(NOW + 1, NOW + DAY)),
        LifetimeNotNow,
    ),
    "a lifetime that ends before it begins": (
        lambda card: card.with_leaf(source=_lifetime(NOW + 1, NOW - 1)),
        LifetimeNotNow,
    ),
    "a lifetime of too many days": (
        lambda card: card.with_leaf(source=_lifetime(NOW, NOW + 91 * DAY + 1)),
        LifetimeTooLong,
    ),
}


@pytest.mark.parametrize(("spoil", "error"), REFUSED.values(), ids=REFUSED.keys())
def test_a_key_package_is_refused_for(
    alice: Card, spoil: Callable[[Card], UncheckedKeyPackage], error: type[MLSError]
) -> None:
    checked(alice.package)

    with pytest.raises(error):
        checked(spoil(alice))


LIFETIMES = ((NOW, NOW), (NOW, NOW + 91 * DAY), (NOW - 90 * DAY, NOW))


@pytest.mark.parametrize(("not_before", "not_after"), LIFETIMES)
def test_both_ends_of_a_lifetime_belong_to_it(alice: Card, not_before: int, not_after: int) -> None:
    checked(alice.with_leaf(source=_lifetime(not_before, not_after)))


def test_without_a_time_the_lifetime_is_left_to_the_caller(alice: Card) -> None:
    late = alice.with_leaf(source=_lifetime(0, 1))

    late.check(now=None, suites=(1,), judge=accept_anyone)


def test_without_a_time_the_leaf_is_still_one_for_a_key_package(alice: Card) -> None:
    other = alice.with_leaf(source=UpdateSource())

    with pytest.raises(LeafSourceMismatch):
        other.check(now=None, suites=(1,), judge=accept_anyone)


def test_values_that_mean_nothing_are_ignored(alice: Card) -> None:
    grease = Extension(extension_type=0x3A3A, extension_data=b"")

    checked(alice.edited(extensions=(grease,)))
    checked(alice.with_leaf(extensions=(grease,)))


def test_the_judge_is_asked_about_this_key_and_credential(alice: Card) -> None:
    asked: list[Claim] = []

    alice.package.check(now=NOW, suites=(1,), judge=asked.append)

    key = alice.package.leaf_node.signature_key
    assert asked == [Claim(BasicCredential(identity=b"alice"), key, predecessor=None)]


def test_a_credential_that_the_judge_refuses_is_refused(alice: Card) -> None:
    def refuse(_claim: Claim) -> None:
        raise CredentialRefused

    with pytest.raises(CredentialRefused):
        alice.package.check(now=NOW, suites=(1,), judge=refuse)


def test_a_checked_key_package_cannot_be_read_from_bytes(alice: Card) -> None:
    with pytest.raises(TypeError):
        KeyPackage.read_from(Reader(alice.package.encode()))


def test_a_message_of_another_version_is_refused(alice: Card) -> None:
    data = MLSMessage.of(alice.package).encode()

    with pytest.raises(UnsupportedVersion):
        MLSMessage.decode(b"\x00\x02" + data[2:])
