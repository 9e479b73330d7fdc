"""The server's one secret; keys for each purpose are derived by ``accounts.sealing.derive_key``."""

import os
import secrets
from pathlib import Path

SECRET_BYTES = 32


class WeakSecretKeyError(Exception):
    """The secret key file is missing or shorter than 32 bytes."""


def load_secret(path: Path, *, create: bool) -> bytes:
    """Return the secret in ``path``; make it there, readable by its owner only, if told to."""
    if create and not path.exists():
        _create_secret(path)
    try:
        secret = path.read_bytes()
    except OSError as error:
        raise WeakSecretKeyError(f"The secret key file {path} cannot be read.") from error
    if len(secret) < SECRET_BYTES:
        raise WeakSecretKeyError(f"The secret key file {path} holds fewer than 32 bytes.")
    return secret


def _create_secret(path: Path) -> None:
    """Write a new secret beside its place and link it there: of two starters, one wins whole."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(secrets.token_bytes(SECRET_BYTES))
        file.flush()
        os.fsync(file.fileno())
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        return
    finally:
        draft.unlink()
