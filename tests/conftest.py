"""What every test may use: where the test data is."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder with photos and RFC 9420 vectors; tests that need it are skipped without it."""
    folder = Path(os.environ.get("SECURECHAT_TEST_DATA", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"no test data at {folder}; set SECURECHAT_TEST_DATA")
    return folder
