"""Columns that the server itself must read are encrypted with AES-256-GCM.

A sealed value is ``key id (1 byte) || nonce (12) || ciphertext and tag``. It opens only in the
table, row and column it was sealed for: moving it elsewhere in a database does not work.
"""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from accounts.errors import SealBroken

KEY_ID = 1
NONCE_BYTES = 12


def derive_key(secret: bytes, purpose: str) -> bytes:
    """Derive 32 bytes for one purpose (HKDF-SHA256, RFC 5869); purposes never share a key."""
    kdf = HKDF(SHA256(), length=32, salt=None, info=f"SecureChat 1.0 {purpose}".encode())
    return kdf.derive(secret)


def seal(plaintext: bytes, *, table: str, row: str, column: str) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    sealed = _cipher().encrypt(nonce, plaintext, _place(table, row, column))
    return bytes([KEY_ID]) + nonce + sealed


def unseal(sealed: bytes, *, table: str, row: str, column: str) -> bytes:
    """Raises ``SealBroken`` for what was changed, moved, or sealed under another key."""
    if len(sealed) <= 1 + NONCE_BYTES or sealed[0] != KEY_ID:
        raise SealBroken
    nonce, ciphertext = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
    try:
        return _cipher().decrypt(nonce, ciphertext, _place(table, row, column))
    except InvalidTag as error:
        raise SealBroken from error


def _cipher() -> AESGCM:
    return AESGCM(derive_key(settings.SERVER_SECRET, f"sealed columns {KEY_ID}"))


def _place(table: str, row: str, column: str) -> bytes:
    """Say where the value stands; lengths in front, so that no two places read the same."""
    parts = (part.encode() for part in (table, row, column))
    return bytes([KEY_ID]) + b"".join(len(part).to_bytes(2, "big") + part for part in parts)
