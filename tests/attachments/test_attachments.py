"""The format of encrypted files: the same vectors as in web/tests/attachments-stream.test.ts."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from securechat_sdk.attachments import (
    CHUNK_BYTES,
    TAG_BYTES,
    AttachmentKey,
    AttachmentRefused,
    Sealed,
    encrypted_size,
    seal,
    unseal,
)
from tests.attachments.make_vectors import VECTORS, plaintext_of, text

STEP = CHUNK_BYTES + TAG_BYTES
ALL = json.loads(VECTORS.read_text())


def blocks_of(data: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def sealed(plaintext: bytes, key: AttachmentKey, *, by: int = 10_000) -> tuple[bytes, Sealed]:
    about = Sealed()
    return b"".join(seal(blocks_of(plaintext, by), key, about)), about


def opened(ciphertext: bytes, key: AttachmentKey, about: Sealed, *, by: int = 10_000) -> bytes:
    blocks = blocks_of(ciphertext, by)
    return b"".join(unseal(blocks, key, size=about.size, digest=about.hash.digest()))


def test_the_vectors_are_what_their_program_writes() -> None:
    assert VECTORS.read_text() == text()


@pytest.mark.parametrize("vector", ALL, ids=lambda vector: f"{vector['size']} bytes")
def test_sealing_gives_the_vectors(vector: dict[str, Any]) -> None:
    key, plaintext = AttachmentKey(bytes.fromhex(vector["key"])), plaintext_of(vector["size"])

    ciphertext, about = sealed(plaintext, key)

    assert hashlib.sha256(ciphertext).hexdigest() == vector["ciphertext_sha256"]
    assert vector["ciphertext"] in {None, ciphertext.hex()}
    assert len(ciphertext) == vector["encrypted_size"] == encrypted_size(vector["size"])
    assert (about.size, about.hash.hexdigest()) == (vector["size"], vector["sha256"])
    assert opened(ciphertext, key, about) == plaintext


@settings(max_examples=50, deadline=None)
@given(size=st.integers(0, 3 * CHUNK_BYTES), by=st.integers(1000, 2 * STEP))
def test_what_was_sealed_opens_however_it_is_cut(size: int, by: int) -> None:
    key, plaintext = AttachmentKey.generate(), plaintext_of(size)

    ciphertext, about = sealed(plaintext, key, by=by)

    assert opened(ciphertext, key, about, by=by) == plaintext


KEY = AttachmentKey(bytes(range(32)))
THREE, ABOUT = sealed(plaintext_of(2 * CHUNK_BYTES + 100), KEY)
FIRST, SECOND, THIRD = THREE[:STEP], THREE[STEP : 2 * STEP], THREE[2 * STEP :]
ATTACKS: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "the last chunk is missing": lambda: FIRST + SECOND,
    "the end is missing": lambda: THREE[:-1],
    "the first chunk is missing": lambda: SECOND + THIRD,
    "chunks are exchanged": lambda: SECOND + FIRST + THIRD,
    "a chunk comes twice": lambda: FIRST + FIRST + SECOND + THIRD,
    "the last chunk comes twice": lambda: THREE + THIRD,
    "a byte is added": lambda: THREE + b"\0",
    "an empty last chunk is added": lambda: THREE + sealed(b"", KEY)[0],
    "a bit of the first chunk is flipped": lambda: bytes([THREE[0] ^ 1]) + THREE[1:],
    "a bit of a tag is flipped": lambda: THREE[:-1] + bytes([THREE[-1] ^ 0x80]),
    "the flag of the last chunk is missing": lambda: FIRST + SECOND + forged(2, 0)[:116],
    "the first chunk is the last": lambda: forged(0, 1),
}


def forged(number: int, flag: int) -> bytes:
    """A chunk of the same key, with another place or flag."""
    nonce = number.to_bytes(11, "big") + bytes([flag])
    plaintext = plaintext_of(2 * CHUNK_BYTES + 100)
    part = plaintext[number * CHUNK_BYTES : (number + 1) * CHUNK_BYTES]
    return AESGCM(KEY.secret).encrypt(nonce, part, None)


@pytest.mark.parametrize("name", ATTACKS)
def test_a_changed_file_is_refused(name: str) -> None:
    assert opened(THREE, KEY, ABOUT) == plaintext_of(2 * CHUNK_BYTES + 100)

    with pytest.raises(AttachmentRefused):
        opened(ATTACKS[name](), KEY, ABOUT)


def test_another_key_does_not_open_it() -> None:
    with pytest.raises(AttachmentRefused):
        opened(THREE, AttachmentKey.generate(), ABOUT)


def test_another_file_of_the_same_key_is_refused() -> None:
    other, about = sealed(b"x" * ABOUT.size, KEY)
    shorter, _ = sealed(b"x", KEY)

    assert opened(other, KEY, about) == b"x" * ABOUT.size
    for ciphertext in (other, shorter):
        with pytest.raises(AttachmentRefused):
            opened(ciphertext, KEY, ABOUT)


def test_a_key_is_not_printed_and_has_its_length() -> None:
    assert "secret" not in repr(KEY)
    with pytest.raises(ValueError, match="32"):
        AttachmentKey(bytes(16))


def test_a_large_file_is_never_in_memory_as_a_whole() -> None:
    program = """
import resource
from securechat_sdk.attachments import AttachmentKey, Sealed, seal, unseal
key, about, size = AttachmentKey.generate(), Sealed(), 0
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for chunk in seal((bytes(1_000_000) for _ in range(100)), key, about):
    size += len(chunk)
print(size, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        check=True,
        text=True,
    )
    size, grown = map(int, done.stdout.split())

    assert size == encrypted_size(100_000_000)
    assert grown < 8 * 1024, "KiB"
