"""Files, encrypted before they leave and opened after they came: the format of docs/protocol.md.

A file has a random AES-256 key of its own. Its plaintext is cut into chunks of 64 KiB, the last one
shorter; each is sealed with AES-256-GCM under the nonce ``counter (11 bytes) || is last (1 byte)``,
the STREAM construction: chunks cannot be changed, exchanged, left out or added, and the file cannot
end early. Nothing here holds more than two chunks.
"""

import hashlib
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

CHUNK_BYTES = 64 * 1024
TAG_BYTES = 16
KEY_BYTES = 32


class AttachmentRefused(Exception):
    """The bytes are not the file that the message names."""


@dataclass(frozen=True)
class AttachmentKey:
    """Opens one file. Never printed, and used for one file only."""

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != KEY_BYTES:
            raise ValueError("An attachment's key has 32 bytes.")

    @classmethod
    def generate(cls) -> "AttachmentKey":
        return cls(secrets.token_bytes(KEY_BYTES))


@dataclass
class Sealed:
    """What is known of a file once all of it was sealed, for the message that refers to it."""

    size: int = 0
    hash: "hashlib._Hash" = field(default_factory=hashlib.sha256)


def encrypted_size(size: int) -> int:
    """How many bytes a file of ``size`` bytes has once it is encrypted."""
    chunks = max(1, -(-size // CHUNK_BYTES))
    return size + chunks * TAG_BYTES


def seal(plaintext: Iterable[bytes], key: AttachmentKey, sealed: Sealed) -> Iterator[bytes]:
    """Yield the encrypted chunks; ``sealed`` tells size and hash once they are all taken."""
    cipher = AESGCM(key.secret)
    for number, (chunk, is_last) in enumerate(_with_last(_chunks(plaintext, CHUNK_BYTES))):
        sealed.size += len(chunk)
        sealed.hash.update(chunk)
        yield cipher.encrypt(_nonce(number, is_last=is_last), chunk, None)


def unseal(
    ciphertext: Iterable[bytes], key: AttachmentKey, *, size: int, digest: bytes
) -> Iterator[bytes]:
    """Yield the plaintext's chunks, each checked; raises `AttachmentRefused`.

    Only the end shows that it was this file: keep nothing of it when this raises.
    """
    cipher, seen, left = AESGCM(key.secret), hashlib.sha256(), size
    for number, (sealed, is_last) in enumerate(
        _with_last(_chunks(ciphertext, CHUNK_BYTES + TAG_BYTES))
    ):
        if is_last and number > 0 and len(sealed) <= TAG_BYTES:
            raise AttachmentRefused("The file ends with an empty chunk.")
        try:
            chunk = cipher.decrypt(_nonce(number, is_last=is_last), sealed, None)
        except (InvalidTag, ValueError) as error:
            raise AttachmentRefused("A chunk of the file does not open.") from error
        left -= len(chunk)
        if left < 0:
            break
        seen.update(chunk)
        yield chunk
    if left != 0 or not secrets.compare_digest(seen.digest(), digest):
        raise AttachmentRefused("The file is not the one that the message names.")


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11) + bytes([is_last])


def _chunks(blocks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Cut blocks of any size into chunks of one; the last may be shorter, and is there always."""
    held = bytearray()
    for block in blocks:
        held += block
        while len(held) > size:
            yield bytes(held[:size])
            del held[:size]
    yield bytes(held)


def _with_last(chunks: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Say with each chunk whether it is the last one."""
    held: bytes | None = None
    for chunk in chunks:
        if held is not None:
            yield held, False
        held = chunk
    if held is not None:
        yield held, True
