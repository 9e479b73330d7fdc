"""People, cameras and pictures for the tests of the face."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from accounts.models import Person

if TYPE_CHECKING:
    from facelogin.decoding import Picture

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "correct horse battery staple"

Camera = Callable[..., list[bytes]]


@pytest.fixture(scope="session")
def face_data() -> Path:
    """The folder of photos and videos beside the checkout."""
    path = Path(os.environ.get("SECURECHAT_TEST_DATA", ROOT.parent / "shared")) / "faces"
    if not path.is_dir():
        pytest.skip("no faces in SECURECHAT_TEST_DATA or ../shared")
    return path


@pytest.fixture(scope="session")
def camera(face_data: Path) -> Camera:
    """Frames as a page takes them from a looping video: evenly, for some seconds."""

    def record(video: str, *, start: int = 0, count: int = 36, seconds: float = 9.0) -> list[bytes]:
        stream = (face_data / "camera" / f"{video}.mjpeg").read_bytes()
        loop = [b"\xff\xd8\xff" + part for part in stream.split(b"\xff\xd8\xff")[1:]]
        return [loop[int(start + i * seconds * 20 / count) % len(loop)] for i in range(count)]

    return record


@pytest.fixture(scope="session")
def as_jpeg() -> "Callable[[Picture], bytes]":
    cv2 = pytest.importorskip("cv2", reason="the face worker's packages are not installed")

    def encode(picture: "Picture") -> bytes:
        done, encoded = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        assert done
        return bytes(encoded)

    return encode


@pytest.fixture
def alice(db: None) -> Person:
    return Person.objects.create_user(username="alice", password=PASSWORD, display_name="Alice")


@pytest.fixture
def bob(db: None) -> Person:
    return Person.objects.create_user(username="bob", password=PASSWORD, display_name="Bob")
