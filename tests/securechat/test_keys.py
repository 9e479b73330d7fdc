"""The one secret of the server."""

from pathlib import Path

import pytest

from accounts.sealing import derive_key
from securechat.keys import WeakSecretKeyError, load_secret


def test_the_secret_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "data" / "secret.key"

    first = load_secret(path, create=True)
    second = load_secret(path, create=True)

    assert first == second
    assert len(first) == 32
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_a_missing_secret_is_not_made_unasked(tmp_path: Path) -> None:
    with pytest.raises(WeakSecretKeyError):
        load_secret(tmp_path / "secret.key", create=False)


def test_a_short_secret_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_bytes(bytes(31))

    with pytest.raises(WeakSecretKeyError):
        load_secret(tmp_path / "secret.key", create=True)


def test_two_purposes_never_share_a_key() -> None:
    assert derive_key(bytes(32), "django") != derive_key(bytes(32), "faces")
