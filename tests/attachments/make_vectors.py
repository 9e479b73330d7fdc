"""Writes ``vectors.json``: ``python -m tests.attachments.make_vectors``.

Made with nothing but AES-GCM and the words of docs/protocol.md, so that neither implementation is
its own judge. Plaintext byte ``i`` is ``i * 167 mod 251``; long ciphertexts are told by their hash.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VECTORS = Path(__file__).parent / "vectors.json"
SIZES = (0, 1, 100, 65535, 65536, 65537, 131072, 131073, 300_000)
SHOWN = 256


def plaintext_of(size: int) -> bytes:
    return bytes(index * 167 % 251 for index in range(size))


def vector(size: int) -> dict[str, Any]:
    key = hashlib.sha256(f"vector {size}".encode()).digest()
    plaintext = plaintext_of(size)
    chunks = [plaintext[start : start + 65536] for start in range(0, max(size, 1), 65536)]
    ciphertext = b"".join(
        AESGCM(key).encrypt(
            number.to_bytes(11, "big") + (b"\1" if number == len(chunks) - 1 else b"\0"), chunk, b""
        )
        for number, chunk in enumerate(chunks)
    )
    return {
        "key": key.hex(),
        "size": size,
        "sha256": hashlib.sha256(plaintext).hexdigest(),
        "encrypted_size": len(ciphertext),
        "ciphertext_sha256": hashlib.sha256(ciphertext).hexdigest(),
        "ciphertext": ciphertext.hex() if len(ciphertext) <= SHOWN else None,
    }


def text() -> str:
    return json.dumps([vector(size) for size in SIZES], indent=2) + "\n"


if __name__ == "__main__":
    VECTORS.write_text(text())
