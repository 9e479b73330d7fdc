"""Settings that follow from others, as a process of its own reads them."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest
from argon2.low_level import Type

from accounts.hashing import OneAtATimeArgon2PasswordHasher

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("variables", "proxies"),
    [
        ({}, 0),
        ({"ORIGIN": "https://chat.example.org"}, 1),
        ({"ORIGIN": "https://chat.example.org", "MORE_ORIGINS": '["http://localhost:8000"]'}, 0),
        ({"ORIGIN": "https://chat.example.org", "TRUSTED_PROXIES": "2"}, 2),
        ({"ORIGIN": "https://chat.example.org", "TRUSTED_PROXIES": "0"}, 0),
        ({"TRUSTED_PROXIES": "1"}, 1),
    ],
)
def test_a_proxy_is_believed_only_where_there_is_one(
    tmp_path: Path, variables: dict[str, str], proxies: int
) -> None:
    said = settings_say(
        "s.ALLAUTH_TRUSTED_PROXY_COUNT, s.SECURE_PROXY_SSL_HEADER is not None", tmp_path, variables
    )

    assert said == f"{proxies} {proxies > 0}"


def test_a_password_is_slow_to_guess(tmp_path: Path) -> None:
    hashers = settings_say("s.PASSWORD_HASHERS", tmp_path)

    assert hashers == "['accounts.hashing.OneAtATimeArgon2PasswordHasher']"
    parameters = OneAtATimeArgon2PasswordHasher().params()
    assert parameters.type is Type.ID
    assert parameters.memory_cost >= 46 * 1024  # KiB; OWASP's first choice, with one pass
    assert parameters.time_cost >= 1


def settings_say(
    expression: str, data: Path, variables: Mapping[str, str] = MappingProxyType({})
) -> str:
    """What a process reads that has these variables, named without their prefix, and no others."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment |= {f"SECURECHAT_{name}": value for name, value in variables.items()}
    environment["SECURECHAT_DATA"] = str(data)
    program = f"from securechat import settings as s; print({expression})"
    said = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return said.stdout.strip()
