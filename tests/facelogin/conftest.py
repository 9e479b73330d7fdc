"""People, cameras and pictures for the tests of the face."""

from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.core.cache import cache

from accounts.models import Person
from facelogin.services import attempts, templates
from tests.facelogin.browsers import PASSWORD, Browser

if TYPE_CHECKING:
    from facelogin.decoding import Picture


def make_person(name: str) -> Person:
    return Person.objects.create_user(
        username=name, password=PASSWORD, display_name=name.title(), email=f"{name}@example.org"
    )


# Where in the videos a step begins, and how many frames it takes: of 8 s at 20 frames a second that
# show a head straight, turning left, then right.
STEPS = {"straight": (140, 14), "left": (18, 18), "right": (78, 20)}
ORDER = ("straight", "left", "straight", "right", "straight")

Camera = Callable[..., list[bytes]]


@pytest.fixture(scope="session")
def face_data(test_data: Path) -> Path:
    """The folder of photos and videos beside the checkout."""
    path = test_data / "faces"
    if not path.is_dir():
        pytest.skip(f"no faces in {test_data}")
    return path


@pytest.fixture(scope="session")
def worker_packages() -> None:
    pytest.importorskip("deepface", reason="the face worker's packages are not installed")


@pytest.fixture(scope="session")
def camera(face_data: Path) -> Camera:
    """Frames as a page takes them from a looping video, with the turns in them."""

    def record(
        video: str, challenge: Sequence[str] = ORDER, *, start: int = 0, each: int = 8
    ) -> list[bytes]:
        """The frames of a person who does what is asked for, as far as the video shows it."""
        stream = (face_data / "camera" / f"{video}.mjpeg").read_bytes()
        loop = [b"\xff\xd8\xff" + part for part in stream.split(b"\xff\xd8\xff")[1:]]
        frames: list[bytes] = []
        for turn, step in enumerate(challenge):
            begin, lasts = STEPS[step]
            begin += start + (4 * turn if step == "straight" else 0)  # not the same ones again
            places = [begin + number * lasts // (each - 1) for number in range(each)]
            frames += [loop[place % len(loop)] for place in places]
        return frames

    return record


@pytest.fixture(scope="session")
def as_jpeg() -> "Callable[[Picture], bytes]":
    cv2 = pytest.importorskip("cv2", reason="the face worker's packages are not installed")

    def encode(picture: "Picture") -> bytes:
        done, encoded = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        assert done
        return bytes(encoded)

    return encode


@pytest.fixture(autouse=True)
def fresh_cache() -> Iterator[None]:
    """Rate limits of one test are not those of the next."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def alice(db: None) -> Person:
    return make_person("alice")


@pytest.fixture
def bob(db: None) -> Person:
    return make_person("bob")


@pytest.fixture
def browser() -> Browser:
    return Browser()


@pytest.fixture
def other_browser() -> Browser:
    return Browser()


@pytest.fixture
def enrolled(alice: Person) -> Person:
    """Alice, with a template under her password, as an enrolment leaves it."""
    attempt, secret = attempts.begin_enrolment(alice, PASSWORD)
    key = attempts.key_for_browser(attempt, secret)
    sealed = key.seal(bytes(3 * 128 * 8), about=templates.about_template(alice))
    templates.install_template(attempt, sealed, counts=True)
    attempt.delete()
    return alice


@pytest.fixture
def capture(browser: Browser, enrolled: Person) -> dict[str, Any]:
    """An open capture of Alice's login."""
    browser.give_password(enrolled)
    answer = browser.start_verification()
    assert answer.status_code == HTTPStatus.CREATED
    return dict(answer.json())
