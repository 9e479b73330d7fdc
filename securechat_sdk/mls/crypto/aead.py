"""The authenticated ciphers of the suites."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from securechat_sdk.mls.errors import DecryptionFailed


class _Cipher(Protocol):
    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes: ...

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes: ...


@dataclass(frozen=True)
class Aead:
    """One cipher; its key and nonce are always derived, never chosen."""

    hpke_id: int
    key_size: int
    nonce_size: int
    cipher: Callable[[bytes], _Cipher]

    def seal(self, key: bytes, nonce: bytes, aad: bytes, plaintext: bytes) -> bytes:
        return self.cipher(key).encrypt(nonce, plaintext, aad)

    def open(self, key: bytes, nonce: bytes, aad: bytes, ciphertext: bytes) -> bytes:
        try:
            return self.cipher(key).decrypt(nonce, ciphertext, aad)
        except InvalidTag:
            raise DecryptionFailed from None


AES_128_GCM = Aead(0x0001, 16, 12, AESGCM)
AES_256_GCM = Aead(0x0002, 32, 12, AESGCM)
CHACHA20_POLY1305 = Aead(0x0003, 32, 12, ChaCha20Poly1305)
