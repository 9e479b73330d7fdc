"""People, cameras and captures for the tests of the face."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from accounts.models import Person

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "correct horse battery staple"

Camera = Callable[..., list[bytes]]


def test_data() -> Path:
    """The folder beside the checkout that holds the photos and videos."""
    return Path(os.environ.get("SECURECHAT_TEST_DATA", ROOT.parent / "shared"))


def faces(name: str) -> Path:
    path = test_data() / "faces" / name
    if not path.exists():
        pytest.skip(f"no test data: {name} is not in SECURECHAT_TEST_DATA or ../shared")
    return path


@pytest.fixture(scope="session")
def camera() -> Camera:
    """Frames as a page takes them from a looping video: evenly, for some seconds."""
    pytest.importorskip("cv2", reason="the face worker's packages are not installed")

    def record(video: str, *, start: int = 0, count: int = 36, seconds: float = 9.0) -> list[bytes]:
        stream = faces(f"camera/{video}.mjpeg").read_bytes()
        loop = [b"\xff\xd8\xff" + part for part in stream.split(b"\xff\xd8\xff")[1:]]
        return [loop[int(start + i * seconds * 20 / count) % len(loop)] for i in range(count)]

    return record


@pytest.fixture
def alice(db: None) -> Person:
    return Person.objects.create_user(username="alice", password=PASSWORD, display_name="Alice")


@pytest.fixture
def bob(db: None) -> Person:
    return Person.objects.create_user(username="bob", password=PASSWORD, display_name="Bob")
