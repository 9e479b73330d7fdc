"""Unsafe settings are named before anything is served."""

from pathlib import Path

import pytest
from django.core.checks import run_checks
from pytest_django.fixtures import Settings

from securechat.config import Config


def found() -> set[str]:
    return {message.id or "" for message in run_checks() if not message.is_silenced()}


def test_the_settings_of_a_first_try_are_safe() -> None:
    assert not {code for code in found() if code.startswith("securechat.E")}


@pytest.mark.parametrize(
    "origin", ["chat.example.org", "https://chat.example.org/path", "ftp://chat.example.org"]
)
def test_an_origin_must_be_exact(settings: Settings, origin: str) -> None:
    settings.ORIGINS = [origin]

    assert "securechat.E001" in found()


def test_a_foreign_origin_must_be_https(settings: Settings) -> None:
    settings.ORIGINS = ["http://chat.example.org"]

    assert "securechat.E002" in found()


def test_production_refuses_to_start_without_its_parts(settings: Settings) -> None:
    settings.PRODUCTION = True
    settings.HTTPS = False
    settings.CONFIG = Config(environment="production", database_url=None, redis_url=None)

    assert {f"securechat.E00{number}" for number in (3, 4, 5, 6)} <= found()


def test_a_secret_key_that_others_can_read_is_refused(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_bytes(bytes(32))
    (tmp_path / "secret.key").chmod(0o644)
    settings.CONFIG = Config(secret_key_file=tmp_path / "secret.key")

    assert "securechat.E007" in found()
