"""docs/settings.md names every setting, with the words of the code."""

from pathlib import Path

import pytest

from securechat.config import Config

PAGE = (Path(__file__).parents[2] / "docs" / "settings.md").read_text()


@pytest.mark.parametrize("name", Config.model_fields)
def test_every_setting_has_its_row(name: str) -> None:
    description = Config.model_fields[name].description

    assert any(
        row.startswith(f"| `SECURECHAT_{name.upper()}` |") and f"| {description} |" in row
        for row in PAGE.splitlines()
    )


def test_no_row_names_a_setting_that_is_gone() -> None:
    rows = [row.split("`")[1] for row in PAGE.splitlines() if row.startswith("| `SECURECHAT_")]

    assert rows == [f"SECURECHAT_{name.upper()}" for name in Config.model_fields]
