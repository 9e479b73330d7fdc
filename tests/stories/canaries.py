"""Look for secrets in what a product has stored, also in disguise."""

import base64
import gzip
import io
import zlib

SHORTEST = 8  # characters of base64; what is shorter stands in anything


def disguises(secret: bytes) -> set[bytes]:
    """The secret as it is, in hexadecimal, and the part of its base64 that no neighbour changes."""
    found = {secret, secret.hex().encode(), secret.hex().upper().encode()}
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + secret)
        stable = encoded[(4 if offset else 0) : -4]
        if len(stable) >= SHORTEST:
            found |= {stable, stable.translate(bytes.maketrans(b"+/", b"-_"))}
    return found


def leaks(stored: dict[str, bytes], secrets: dict[str, bytes]) -> list[str]:
    """Name each secret found and where; compressed parts are looked into as well."""
    forms = {name: disguises(secret) for name, secret in secrets.items()}
    return [
        f"{name} in {place}"
        for place, content in stored.items()
        for text in [content, *_decompressed(content)]
        for name, disguised in forms.items()
        if any(form in text for form in disguised)
    ]


def _decompressed(content: bytes) -> list[bytes]:
    """What the gzip members inside of ``content`` hold, wherever they begin."""
    found = []
    start = content.find(b"\x1f\x8b\x08")
    while start != -1:
        try:
            with gzip.open(io.BytesIO(content[start:])) as member:
                found.append(member.read())
        except (OSError, EOFError, zlib.error):
            pass  # not a gzip member after all
        start = content.find(b"\x1f\x8b\x08", start + 3)
    return found
