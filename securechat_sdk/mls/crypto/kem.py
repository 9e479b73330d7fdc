"""The key encapsulation mechanisms of HPKE (RFC 9180 section 4 and 7.1)."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x448 import X448PrivateKey, X448PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from securechat_sdk.mls.crypto import low_order
from securechat_sdk.mls.crypto.hash import SHA256, SHA384, SHA512, Hash
from securechat_sdk.mls.crypto.secrets import HpkePrivateKey, Secret
from securechat_sdk.mls.errors import DecryptionFailed, InvalidKey

UNCOMPRESSED = 0x04


@dataclass(frozen=True)
class KeyPair:
    """Both halves of an HPKE key."""

    private: HpkePrivateKey
    public: bytes


@dataclass(frozen=True)
class Encapsulated:
    """A fresh shared secret and what its owner needs to find it."""

    secret: Secret
    output: bytes


class Kem(Protocol):
    """What HPKE asks of a KEM."""

    @property
    def hpke_id(self) -> int: ...

    def derive_key_pair(self, seed: bytes) -> KeyPair: ...

    def generate_key_pair(self) -> KeyPair: ...

    def check_public_key(self, public: bytes) -> None: ...

    def public_key_of(self, private: HpkePrivateKey) -> bytes: ...

    def encapsulate(self, public: bytes) -> Encapsulated: ...

    def decapsulate(self, private: HpkePrivateKey, output: bytes) -> Secret: ...


class Curve(Protocol):
    """Diffie-Hellman on one curve, over bytes."""

    @property
    def private_size(self) -> int: ...

    def check_public(self, public: bytes) -> None: ...

    def public_of(self, private: HpkePrivateKey) -> bytes: ...

    def exchange(self, private: HpkePrivateKey, public: bytes) -> bytes: ...

    def derive_private(self, expand: Callable[[bytes, bytes, int], Secret]) -> bytes: ...


@dataclass(frozen=True)
class MontgomeryCurve:
    """X25519 and X448."""

    private_size: int
    private_key: type[X25519PrivateKey | X448PrivateKey]
    public_key: type[X25519PublicKey | X448PublicKey]
    low_order: frozenset[bytes]

    def check_public(self, public: bytes) -> None:
        """Exchanges refuse low order too, but then whoever commits next would be who fails."""
        if len(public) != self.private_size or public in self.low_order:
            raise InvalidKey

    def public_of(self, private: HpkePrivateKey) -> bytes:
        return private.read(self._private).public_key().public_bytes_raw()

    def exchange(self, private: HpkePrivateKey, public: bytes) -> bytes:
        self.check_public(public)
        peer = self.public_key.from_public_bytes(public)
        try:
            # The classes come in pairs, which their union cannot say.
            return private.read(self._private).exchange(peer)  # type: ignore[arg-type]
        except ValueError:  # the all-zero secret of a low-order point
            raise InvalidKey from None

    def derive_private(self, expand: Callable[[bytes, bytes, int], Secret]) -> bytes:
        return expand(b"sk", b"", self.private_size)

    def _private(self, private: bytes) -> X25519PrivateKey | X448PrivateKey:
        try:
            return self.private_key.from_private_bytes(private)
        except ValueError:
            raise InvalidKey from None


@dataclass(frozen=True)
class NistCurve:
    """P-256, P-384 and P-521 with uncompressed points."""

    private_size: int
    curve: ec.EllipticCurve
    first_byte_mask: int

    def check_public(self, public: bytes) -> None:
        nist_public_key(self.curve, public)

    def public_of(self, private: HpkePrivateKey) -> bytes:
        return nist_public_bytes(private.read(self._private).public_key())

    def exchange(self, private: HpkePrivateKey, public: bytes) -> bytes:
        peer = nist_public_key(self.curve, public)
        return private.read(self._private).exchange(ec.ECDH(), peer)

    def derive_private(self, expand: Callable[[bytes, bytes, int], Secret]) -> bytes:
        for counter in range(256):
            candidate = bytearray(expand(b"candidate", counter.to_bytes(1), self.private_size))
            candidate[0] &= self.first_byte_mask
            if 0 < int.from_bytes(candidate) < self.curve.group_order:
                return bytes(candidate)
        raise InvalidKey("no private key could be derived")  # odds below 2^-4000

    def _private(self, private: bytes) -> ec.EllipticCurvePrivateKey:
        return nist_private_key(self.curve, private)


def nist_public_key(curve: ec.EllipticCurve, public: bytes) -> ec.EllipticCurvePublicKey:
    """Read an uncompressed point, the only form MLS allows (RFC 9420 section 5.1.1)."""
    if public[:1] != bytes([UNCOMPRESSED]):
        raise InvalidKey
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(curve, public)
    except ValueError:
        raise InvalidKey from None


def nist_public_bytes(key: ec.EllipticCurvePublicKey) -> bytes:
    numbers = key.public_numbers()
    size = -(-key.curve.key_size // 8)
    return bytes([UNCOMPRESSED]) + numbers.x.to_bytes(size) + numbers.y.to_bytes(size)


def nist_private_key(curve: ec.EllipticCurve, private: bytes) -> ec.EllipticCurvePrivateKey:
    try:
        return ec.derive_private_key(int.from_bytes(private), curve)
    except ValueError:
        raise InvalidKey from None


def labeled_extract(kdf: Hash, suite_id: bytes, salt: bytes, label: bytes, secret: bytes) -> Secret:
    """RFC 9180 section 4."""
    return kdf.extract(salt, b"HPKE-v1" + suite_id + label + secret)


def labeled_expand(  # noqa: PLR0917  RFC 9180 gives it these
    kdf: Hash, suite_id: bytes, secret: bytes, label: bytes, info: bytes, length: int
) -> Secret:
    """RFC 9180 section 4."""
    labeled_info = length.to_bytes(2) + b"HPKE-v1" + suite_id + label + info
    return kdf.expand(secret, labeled_info, length)


@dataclass(frozen=True)
class DhKem:
    """RFC 9180 section 4.1: a KEM from Diffie-Hellman."""

    hpke_id: int
    curve: Curve
    kdf: Hash

    @property
    def suite_id(self) -> bytes:
        return b"KEM" + self.hpke_id.to_bytes(2)

    def derive_key_pair(self, seed: bytes) -> KeyPair:
        prk = labeled_extract(self.kdf, self.suite_id, b"", b"dkp_prk", seed)

        def expand(label: bytes, info: bytes, length: int) -> Secret:
            return labeled_expand(self.kdf, self.suite_id, prk, label, info, length)

        private = HpkePrivateKey(self.curve.derive_private(expand))
        return KeyPair(private, self.curve.public_of(private))

    def generate_key_pair(self) -> KeyPair:
        return self.derive_key_pair(os.urandom(self.curve.private_size))

    def check_public_key(self, public: bytes) -> None:
        self.curve.check_public(public)

    def public_key_of(self, private: HpkePrivateKey) -> bytes:
        return self.curve.public_of(private)

    def encapsulate(self, public: bytes) -> Encapsulated:
        ephemeral = self.generate_key_pair()
        shared = self.curve.exchange(ephemeral.private, public)
        secret = self._derive(shared, ephemeral.public + public)
        return Encapsulated(secret, ephemeral.public)

    def decapsulate(self, private: HpkePrivateKey, output: bytes) -> Secret:
        try:
            shared = self.curve.exchange(private, output)
        except InvalidKey:
            raise DecryptionFailed from None
        return self._derive(shared, output + self.curve.public_of(private))

    def _derive(self, shared: bytes, context: bytes) -> Secret:
        prk = labeled_extract(self.kdf, self.suite_id, b"", b"eae_prk", shared)
        size = self.kdf.size
        return labeled_expand(self.kdf, self.suite_id, prk, b"shared_secret", context, size)


X25519 = MontgomeryCurve(32, X25519PrivateKey, X25519PublicKey, low_order.X25519)
_X448 = MontgomeryCurve(56, X448PrivateKey, X448PublicKey, low_order.X448)

DHKEM_X25519 = DhKem(0x0020, X25519, SHA256)
DHKEM_X448 = DhKem(0x0021, _X448, SHA512)
DHKEM_P256 = DhKem(0x0010, NistCurve(32, ec.SECP256R1(), 0xFF), SHA256)
DHKEM_P384 = DhKem(0x0011, NistCurve(48, ec.SECP384R1(), 0xFF), SHA384)
DHKEM_P521 = DhKem(0x0012, NistCurve(66, ec.SECP521R1(), 0x01), SHA512)
