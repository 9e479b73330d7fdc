"""docs/settings.md names every setting, with the words of the code."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from securechat.config import Config

PAGE = (Path(__file__).parents[2] / "docs" / "settings.md").read_text()
DEFAULTS = {
    name.lower(): default
    for name, default in re.findall(r"^\| `SECURECHAT_(\w+)` \| `([^`]*)` \|", PAGE, re.MULTILINE)
}


@pytest.mark.parametrize("name", Config.model_fields)
def test_every_setting_has_its_row(name: str) -> None:
    description = Config.model_fields[name].description

    assert any(
        row.startswith(f"| `SECURECHAT_{name.upper()}` |") and f"| {description} |" in row
        for row in PAGE.splitlines()
    )


@pytest.mark.parametrize(("name", "default"), DEFAULTS.items())
def test_what_the_page_calls_the_default_can_be_set(
    name: str, default: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    field = Config.model_fields[name]

    monkeypatch.setenv(f"SECURECHAT_{name.upper()}", default)

    assert getattr(Config(), name) == field.get_default(call_default_factory=True)


@pytest.mark.parametrize(("said", "suite"), [("61518", 0xF04E), ("1", 0x0001)])
def test_each_suite_can_be_set(said: str, suite: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECURECHAT_CIPHER_SUITE", said)

    assert Config().cipher_suite == suite


@pytest.mark.parametrize("said", ["2", "", "hybrid"])
def test_no_other_suite_can(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECURECHAT_CIPHER_SUITE", said)

    with pytest.raises(ValidationError, match="cipher_suite"):
        Config()


def test_no_row_names_a_setting_that_is_gone() -> None:
    rows = [row.split("`")[1] for row in PAGE.splitlines() if row.startswith("| `SECURECHAT_")]

    assert rows == [f"SECURECHAT_{name.upper()}" for name in Config.model_fields]
