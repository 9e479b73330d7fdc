"""Running one published vector file."""

from collections.abc import Callable
from pathlib import Path

import pytest

from securechat_sdk.mls.vectors.__main__ import run_file


@pytest.fixture
def run_vectors(vectors_folder: Path) -> Callable[[str], None]:
    def run(name: str) -> None:
        tally = run_file(vectors_folder / name)

        assert tally.failures == []
        assert tally.passed > 0

    return run
