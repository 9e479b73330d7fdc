"""Secrets that are shown once and kept only as SHA-256."""

import hashlib
import secrets

SECRET_BYTES = 32


def make_secret(prefix: str = "") -> str:
    """256 random bits, readable, with a prefix by which a leaked one is recognised."""
    return prefix + secrets.token_urlsafe(SECRET_BYTES)


def digest_of(secret: str) -> bytes:
    """What is stored and looked up; 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
