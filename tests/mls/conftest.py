"""Where the published data is."""

import os
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]


def data_folder() -> Path:
    return Path(os.environ.get("SECURECHAT_TEST_DATA", CHECKOUT.parent / "shared"))


@pytest.fixture(scope="session")
def vectors_folder() -> Path:
    folder = data_folder() / "mls-vectors"
    if not folder.is_dir():
        pytest.skip(f"the official MLS test vectors are not at {folder}")
    return folder
