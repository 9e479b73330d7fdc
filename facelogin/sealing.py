"""How the template and the frames are encrypted: keys in, bytes out, no rows and no clock.

A template is sealed under a random template key. That key is wrapped

* for good, under HKDF(Argon2id(password, own salt)) and around that under a key of the server
  (services/keys.py): the password is in hand only in the request that logs in or enrols, and the
  server can change its own layer without it;
* for one login, under a secret that only the browser holds: until the capture is sent, nothing
  the server stores opens the template.

Everything sealed is ``version (1) || nonce (12) || AES-256-GCM ciphertext``.
"""

import os
from dataclasses import dataclass, field
from threading import Lock
from typing import Self

from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
SALT_BYTES = 16
NONCE_BYTES = 12
VERSION = b"\x01"

# RFC 9106 section 4, the second recommended option.
ARGON2_ITERATIONS = 3
ARGON2_LANES = 4
ARGON2_KIBIBYTES = 64 * 1024
_turn = Lock()  # many logins at once take this memory once


class CannotOpenError(Exception):
    """The key or the associated data is not the one it was sealed with, or bytes changed."""


@dataclass(frozen=True, eq=False)
class Key:
    """32 secret bytes that do not print and are not compared."""

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != KEY_BYTES:
            raise CannotOpenError

    @classmethod
    def random(cls) -> Self:
        return cls(os.urandom(KEY_BYTES))

    def seal(self, plaintext: bytes, *, about: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return VERSION + nonce + AESGCM(self.secret).encrypt(nonce, plaintext, VERSION + about)

    def open(self, sealed: bytes, *, about: bytes) -> bytes:
        version, nonce, ciphertext = sealed[:1], sealed[1 : 1 + NONCE_BYTES], sealed[13:]
        if version != VERSION:
            raise CannotOpenError
        try:
            return AESGCM(self.secret).decrypt(nonce, ciphertext, VERSION + about)
        except (InvalidTag, ValueError) as error:
            raise CannotOpenError from error

    def wrap(self, key: "Key", *, about: bytes) -> bytes:
        return self.seal(key.secret, about=about)

    def unwrap(self, wrapped: bytes, *, about: bytes) -> "Key":
        return Key(self.open(wrapped, about=about))


def new_salt() -> bytes:
    return os.urandom(SALT_BYTES)


def password_key(password: str, salt: bytes) -> Key:
    """The inner of the two keys that wrap a template key for good."""
    with _turn:
        stretched = hash_secret_raw(
            password.encode(),
            salt,
            time_cost=ARGON2_ITERATIONS,
            memory_cost=ARGON2_KIBIBYTES,
            parallelism=ARGON2_LANES,
            hash_len=KEY_BYTES,
            type=Type.ID,
        )
    return _derive(stretched, salt=None, purpose="face template key")


def browser_key(secret: bytes, attempt: bytes) -> Key:
    return _derive(secret, salt=attempt, purpose="face browser")


def frames_key(server_secret: bytes, salt: bytes) -> Key:
    """The key of one capture's frames; its salt is in the worker's message and nowhere else."""
    return _derive(server_secret, salt=salt, purpose="face frames")


def digest_key(server_secret: bytes, account: bytes) -> bytes:
    """Under which the frames of one account are recognised when they are shown again."""
    return _derive(server_secret, salt=account, purpose="face digests").secret


def budget_key(server_secret: bytes) -> bytes:
    """Under which a person or a network is counted without being named."""
    return _derive(server_secret, salt=None, purpose="face budgets").secret


def _derive(secret: bytes, *, salt: bytes | None, purpose: str) -> Key:
    info = f"SecureChat 1.0 {purpose}".encode()
    return Key(HKDF(SHA256(), length=KEY_BYTES, salt=salt, info=info).derive(secret))
