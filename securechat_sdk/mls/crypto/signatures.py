"""The signature schemes of the suites, over the byte forms of RFC 9420 section 5.1.1."""

from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidSignature as _InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey, Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from securechat_sdk.mls.crypto import low_order
from securechat_sdk.mls.crypto.kem import nist_private_key, nist_public_bytes, nist_public_key
from securechat_sdk.mls.crypto.secrets import SignaturePrivateKey
from securechat_sdk.mls.errors import InvalidKey, InvalidSignature


class SignatureScheme(Protocol):
    """Sign and verify with keys in the form in which they travel."""

    def generate(self) -> SignaturePrivateKey: ...

    def public_key_of(self, private: SignaturePrivateKey) -> bytes: ...

    def check_public_key(self, public: bytes) -> None: ...

    def sign(self, private: SignaturePrivateKey, data: bytes) -> bytes: ...

    def verify(self, public: bytes, signature: bytes, data: bytes) -> None: ...


@dataclass(frozen=True)
class EdDsa:
    """Ed25519 and Ed448 (RFC 8032), and all forms of their points of low order.

    With such a point for a key, or in a signature, anything may pass; and as some implementations
    take what others refuse, one member could make the others disagree. So nobody takes it.
    """

    private_key: type[Ed25519PrivateKey | Ed448PrivateKey]
    public_key: type[Ed25519PublicKey | Ed448PublicKey]
    low_order: frozenset[bytes]

    def generate(self) -> SignaturePrivateKey:
        return SignaturePrivateKey(self.private_key.generate().private_bytes_raw())

    def public_key_of(self, private: SignaturePrivateKey) -> bytes:
        return private.read(self._private).public_key().public_bytes_raw()

    def check_public_key(self, public: bytes) -> None:
        self._public(public)

    def sign(self, private: SignaturePrivateKey, data: bytes) -> bytes:
        return private.read(self._private).sign(data)

    def verify(self, public: bytes, signature: bytes, data: bytes) -> None:
        key = self._public(public)
        if signature[: len(public)] in self.low_order:
            raise InvalidSignature
        try:
            key.verify(signature, data)
        except _InvalidSignature:
            raise InvalidSignature from None

    def _private(self, private: bytes) -> Ed25519PrivateKey | Ed448PrivateKey:
        try:
            return self.private_key.from_private_bytes(private)
        except ValueError:
            raise InvalidKey from None

    def _public(self, public: bytes) -> Ed25519PublicKey | Ed448PublicKey:
        if public in self.low_order:
            raise InvalidKey
        try:
            return self.public_key.from_public_bytes(public)
        except ValueError:
            raise InvalidKey from None


@dataclass(frozen=True)
class EcDsa:
    """ECDSA with DER signatures and uncompressed public keys."""

    curve: ec.EllipticCurve
    algorithm: hashes.HashAlgorithm

    def generate(self) -> SignaturePrivateKey:
        number = ec.generate_private_key(self.curve).private_numbers().private_value
        return SignaturePrivateKey(number.to_bytes(-(-self.curve.key_size // 8)))

    def public_key_of(self, private: SignaturePrivateKey) -> bytes:
        return nist_public_bytes(private.read(self._private).public_key())

    def check_public_key(self, public: bytes) -> None:
        nist_public_key(self.curve, public)

    def sign(self, private: SignaturePrivateKey, data: bytes) -> bytes:
        return private.read(self._private).sign(data, ec.ECDSA(self.algorithm))

    def verify(self, public: bytes, signature: bytes, data: bytes) -> None:
        try:
            nist_public_key(self.curve, public).verify(signature, data, ec.ECDSA(self.algorithm))
        except _InvalidSignature:
            raise InvalidSignature from None

    def _private(self, private: bytes) -> ec.EllipticCurvePrivateKey:
        return nist_private_key(self.curve, private)


ED25519 = EdDsa(Ed25519PrivateKey, Ed25519PublicKey, low_order.ED25519)
ED448 = EdDsa(Ed448PrivateKey, Ed448PublicKey, low_order.ED448)
ECDSA_P256 = EcDsa(ec.SECP256R1(), hashes.SHA256())
ECDSA_P384 = EcDsa(ec.SECP384R1(), hashes.SHA384())
ECDSA_P521 = EcDsa(ec.SECP521R1(), hashes.SHA512())
