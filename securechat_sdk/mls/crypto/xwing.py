"""X-Wing: ML-KEM-768 and X25519 in one KEM (draft-connolly-cfrg-xwing-kem, draft-ietf-hpke-pq)."""

import hashlib
import os
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from securechat_sdk.mls.crypto.kem import X25519, Encapsulated, KeyPair
from securechat_sdk.mls.crypto.secrets import HpkePrivateKey, Secret
from securechat_sdk.mls.errors import DecryptionFailed, InvalidKey

_LABEL = bytes.fromhex("5c2e2f2f5e5c")
_SEED_SIZE = 32
_MLKEM_SEED_SIZE = 64
_MLKEM_PUBLIC_SIZE = 1184
_MLKEM_CIPHERTEXT_SIZE = 1088
_X25519_SIZE = 32


@dataclass(frozen=True)
class _Expanded:
    """The two private keys that a 32-byte X-Wing secret key stands for."""

    mlkem: MLKEM768PrivateKey
    x25519: X25519PrivateKey

    @classmethod
    def of(cls, seed: bytes) -> "_Expanded":
        if len(seed) != _SEED_SIZE:
            raise InvalidKey
        expanded = hashlib.shake_256(seed).digest(_MLKEM_SEED_SIZE + _X25519_SIZE)
        return cls(
            MLKEM768PrivateKey.from_seed_bytes(expanded[:_MLKEM_SEED_SIZE]),
            X25519PrivateKey.from_private_bytes(expanded[_MLKEM_SEED_SIZE:]),
        )

    @property
    def public(self) -> bytes:
        mlkem = self.mlkem.public_key().public_bytes_raw()
        return mlkem + self.x25519.public_key().public_bytes_raw()


@dataclass(frozen=True)
class XWing:
    """The KEM as HPKE sees it."""

    hpke_id: int = 0x647A

    def derive_key_pair(self, seed: bytes) -> KeyPair:
        """LabeledDerive of draft-ietf-hpke-pq with SHAKE256, label "DeriveKeyPair"."""
        suite_id = b"KEM" + self.hpke_id.to_bytes(2)
        label = b"DeriveKeyPair"
        labeled = b"HPKE-v1" + suite_id + len(label).to_bytes(2) + label + _SEED_SIZE.to_bytes(2)
        private = HpkePrivateKey(hashlib.shake_256(seed + labeled).digest(_SEED_SIZE))
        return KeyPair(private, private.read(_Expanded.of).public)

    def generate_key_pair(self) -> KeyPair:
        private = HpkePrivateKey(os.urandom(_SEED_SIZE))
        return KeyPair(private, private.read(_Expanded.of).public)

    def check_public_key(self, public: bytes) -> None:
        _read_public(public)

    def public_key_of(self, private: HpkePrivateKey) -> bytes:
        return private.read(_Expanded.of).public

    def encapsulate(self, public: bytes) -> Encapsulated:
        mlkem, x25519 = _read_public(public)
        mlkem_secret, mlkem_ciphertext = mlkem.encapsulate()
        ephemeral = X25519PrivateKey.from_private_bytes(os.urandom(_X25519_SIZE))
        x25519_ciphertext = ephemeral.public_key().public_bytes_raw()
        try:
            x25519_secret = ephemeral.exchange(x25519)
        except ValueError:  # the all-zero secret of a low-order point
            raise InvalidKey from None
        x25519_public = public[_MLKEM_PUBLIC_SIZE:]
        secret = _combine(mlkem_secret, x25519_secret, x25519_ciphertext, x25519_public)
        return Encapsulated(secret, mlkem_ciphertext + x25519_ciphertext)

    def decapsulate(self, private: HpkePrivateKey, output: bytes) -> Secret:
        if len(output) != _MLKEM_CIPHERTEXT_SIZE + _X25519_SIZE:
            raise DecryptionFailed
        keys = private.read(_Expanded.of)
        x25519_ciphertext = output[_MLKEM_CIPHERTEXT_SIZE:]
        mlkem_secret = keys.mlkem.decapsulate(output[:_MLKEM_CIPHERTEXT_SIZE])
        try:
            peer = X25519PublicKey.from_public_bytes(x25519_ciphertext)
            x25519_secret = keys.x25519.exchange(peer)
        except ValueError:  # the all-zero secret of a low-order point
            raise DecryptionFailed from None
        x25519_public = keys.x25519.public_key().public_bytes_raw()
        return _combine(mlkem_secret, x25519_secret, x25519_ciphertext, x25519_public)


def _combine(mlkem: bytes, x25519: bytes, ciphertext: bytes, public: bytes) -> Secret:
    return Secret(hashlib.sha3_256(mlkem + x25519 + ciphertext + public + _LABEL).digest())


def _read_public(public: bytes) -> tuple[MLKEM768PublicKey, X25519PublicKey]:
    if len(public) != _MLKEM_PUBLIC_SIZE + _X25519_SIZE:
        raise InvalidKey
    X25519.check_public(public[_MLKEM_PUBLIC_SIZE:])
    try:
        mlkem = MLKEM768PublicKey.from_public_bytes(public[:_MLKEM_PUBLIC_SIZE])
        return mlkem, X25519PublicKey.from_public_bytes(public[_MLKEM_PUBLIC_SIZE:])
    except ValueError:
        raise InvalidKey from None


MLKEM768_X25519 = XWing()
