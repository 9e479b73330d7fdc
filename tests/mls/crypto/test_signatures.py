"""Signatures that some implementations take and others refuse are taken by none of ours."""

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from securechat_sdk.mls.crypto.signatures import ED448, ED25519, EdDsa
from securechat_sdk.mls.crypto.suites import cipher_suite
from securechat_sdk.mls.errors import InvalidKey, InvalidSignature, LeafSignatureInvalid
from securechat_sdk.mls.messages.leaf_nodes import LeafNode, LeafNodeContent
from tests.mls.people import make_card

ONE = bytes([1]) + bytes(31)
"""The neutral point: with it for a key, and again in the signature, every message is signed."""


def test_there_is_a_key_that_signs_everything_for_everyone() -> None:
    """The library takes it, so we have to be the ones who do not."""
    key, signature = Ed25519PublicKey.from_public_bytes(ONE), ONE + bytes(32)

    for message in (b"one", b"another"):
        key.verify(signature, message)
        with pytest.raises(InvalidKey):
            ED25519.verify(ONE, signature, message)
    with pytest.raises(InvalidKey):
        ED25519.check_public_key(ONE)


@pytest.mark.parametrize(("scheme", "forms"), [(ED25519, 14), (ED448, 12)])
def test_no_form_of_such_a_point_is_a_key(scheme: EdDsa, forms: int) -> None:
    good = scheme.generate()
    scheme.check_public_key(scheme.public_key_of(good))
    size = len(scheme.public_key_of(good))

    assert len(scheme.low_order) == forms
    for point in scheme.low_order:
        with pytest.raises(InvalidKey):
            scheme.check_public_key(point)
        with pytest.raises(InvalidKey):
            scheme.verify(point, point + bytes(size), b"anything")


@pytest.mark.parametrize("scheme", [ED25519, ED448])
def test_no_signature_begins_with_such_a_point(scheme: EdDsa) -> None:
    key = scheme.generate()
    public, signature = scheme.public_key_of(key), scheme.sign(key, b"hello")
    scheme.verify(public, signature, b"hello")

    for point in scheme.low_order:
        with pytest.raises(InvalidSignature):
            scheme.verify(public, point + signature[len(point) :], b"hello")


def test_nobody_signs_with_a_secret_number_of_zero() -> None:
    """The owner of an honest key makes such a signature; libraries differ."""
    order = 2**252 + 27742317777372353535851937790883648493
    scheme = cipher_suite(1).signature
    key = scheme.generate()
    public = scheme.public_key_of(key)

    signature = ONE + _response(bytes(key), public, b"hello", order).to_bytes(32, "little")

    Ed25519PublicKey.from_public_bytes(public).verify(signature, b"hello")
    with pytest.raises(InvalidSignature):
        scheme.verify(public, signature, b"hello")


def _response(seed: bytes, public: bytes, message: bytes, order: int) -> int:
    """RFC 8032 section 5.1.6 for a nonce of zero."""
    scalar = int.from_bytes(hashlib.sha512(seed).digest()[:32], "little")
    scalar = scalar & (2**254 - 8) | 2**254
    challenge = hashlib.sha512(ONE + public + message).digest()
    return int.from_bytes(challenge, "little") * scalar % order


def test_a_leaf_that_anybody_signed_is_refused() -> None:
    card = make_card("mallory")
    content = {name: getattr(card.package.leaf_node, name) for name in LeafNodeContent.names()}
    forged = LeafNode(**{**content, "signature_key": ONE}, signature=ONE + bytes(32))

    with pytest.raises(LeafSignatureInvalid):
        forged.check_signature(card.suite)
    card.package.leaf_node.check_signature(card.suite)
