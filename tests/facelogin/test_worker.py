"""A real server and a real worker, each a process of its own, and what they leave behind."""

import os
import signal
import time
from base64 import b64decode
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

pytest.importorskip("deepface", reason="the face worker's packages are not installed")

from facelogin import consent
from tests.stories.canaries import leaks
from tests.stories.conftest import free_port
from tests.stories.product import Product, dump

if TYPE_CHECKING:
    from tests.facelogin.conftest import Camera

PASSWORD = "correct horse battery staple"
MAKE_PERSON = (
    "from accounts.models import Person;"
    "Person.objects.create_user(username='{name}', password='{password}',"
    " display_name='Somebody called {name}')"
)
SECONDS_TO_JUDGE = 60


class Page:
    """A browser page, over real HTTP."""

    def __init__(self, product: Product) -> None:
        self.http = httpx.Client(base_url=product.origin, timeout=30)
        self.http.get("/api/v1/session")

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"X-CSRFToken": self.http.cookies["csrftoken"]}
        return self.http.request(method, path, headers=headers, **options)

    def face(self, method: str, path: str, body: dict[str, str] | None = None) -> dict[str, Any]:
        answer = self.call(method, f"/api/v1/face/{path}", json=body or {})
        assert answer.status_code < 300, answer.text
        return dict(answer.json())

    def give_password(self, name: str) -> None:
        body = {"username": name, "password": PASSWORD}
        answer = self.call("POST", "/_allauth/browser/v1/auth/login", json=body)
        assert answer.status_code in {200, 401}, answer.text

    def show(self, capture: dict[str, Any], frames: Sequence[bytes]) -> dict[str, Any]:
        self.send(capture, frames)
        return self.wait_for(capture)

    def send(self, capture: dict[str, Any], frames: Sequence[bytes]) -> None:
        steps = [i * len(capture["challenge"]) // len(frames) for i in range(len(frames))]
        files = [("frames", ("frame.jpg", frame, "image/jpeg")) for frame in frames]
        form = {"nonce": capture["nonce"], "steps": str(steps)}
        path = f"/api/v1/face/captures/{capture['id']}/frames"
        sent = self.call("PUT", path, data=form, files=files)
        assert sent.status_code == 202, sent.text

    def preview(self, capture: dict[str, Any], frame: bytes) -> httpx.Response:
        time.sleep(0.2)  # more would be too many in too short a time
        return self.call(
            "POST",
            f"/api/v1/face/captures/{capture['id']}/preview",
            data={"nonce": capture["nonce"]},
            files={"frame": ("frame.jpg", frame, "image/jpeg")},
        )

    def look_at(self, capture: dict[str, Any]) -> dict[str, Any]:
        return dict(self.http.get(f"/api/v1/face/captures/{capture['id']}").json())

    def wait_for(
        self, capture: dict[str, Any], until: Container[str] = ("passed", "refused", "expired")
    ) -> dict[str, Any]:
        deadline = time.monotonic() + SECONDS_TO_JUDGE
        while time.monotonic() < deadline:
            seen = self.look_at(capture)
            if seen["state"] in until:
                return seen
            time.sleep(0.05)
        raise TimeoutError

    @property
    def state(self) -> str:
        return str(self.http.get("/api/v1/session").json()["state"])


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory, face_data: Path) -> Iterator[Product]:
    running = Product(folder=tmp_path_factory.mktemp("product"), port=free_port(), faces=True)
    running.start()
    try:
        for name in ("alice", "carol"):
            running.manage("shell", "-c", MAKE_PERSON.format(name=name, password=PASSWORD))
        yield running
    finally:
        running.stop()


@pytest.fixture
def open_page(product: Product) -> Iterator[Callable[[], Page]]:
    with ExitStack() as pages:

        def open_one() -> Page:
            page = Page(product)
            pages.callback(page.http.close)
            return page

        yield open_one


def enrol(page: Page, name: str, camera: "Camera", video: str) -> tuple[list[bytes], Sequence[str]]:
    """Returns the frames that were sent, and what was asked for."""
    page.give_password(name)
    body = {"consent_version": consent.VERSION, "password": PASSWORD}
    capture = page.face("POST", "enrolments", body)
    frames = camera(video, capture["challenge"])
    verdict = page.show(capture, frames)
    assert (verdict["state"], verdict["reasons"]) == ("passed", [])
    assert page.face("POST", f"captures/{capture['id']}/completion")["state"] == "enrolment"
    codes = page.call("POST", "/_allauth/browser/v1/account/authenticators/recovery-codes", json={})
    assert codes.status_code == 200, codes.text
    assert page.state == "no_device"
    return frames, capture["challenge"]


def test_a_face_enrols_logs_in_and_leaves_nothing_readable_behind(
    product: Product, open_page: Callable[[], Page], camera: "Camera"
) -> None:
    film = enrol(open_page(), "alice", camera, "person-5-turning")

    stranger = open_page()
    stranger.give_password("alice")
    asked = stranger.face("POST", "verifications")
    refused = stranger.show(asked, camera("person-2-turning", asked["challenge"]))
    alice = open_page()
    alice.give_password("alice")
    capture = alice.face("POST", "verifications")
    passed = alice.show(capture, camera("person-5-turning", capture["challenge"], start=1))

    assert (refused["state"], refused["reasons"]) == ("refused", ["not_recognised"])
    assert stranger.state == "second_factor"
    assert (passed["state"], passed["progress"]) == ("passed", 100)
    assert alice.face("POST", f"captures/{capture['id']}/completion")["state"] == "no_device"
    stored = dump(product)
    assert leaks(stored, {"what is stored readably": b"Somebody called alice"}) != []
    assert leaks(stored, secrets_of(alice, *film)) == []


def secrets_of(page: Page, frames: Sequence[bytes], challenge: Sequence[str]) -> dict[str, bytes]:
    """What must not be found: password, pictures, embeddings, the browser's secrets."""
    return {
        "the password": PASSWORD.encode(),
        "the header of a picture": frames[0][:24],
        "the middle of a picture": frames[0][5000:5032],
        **{f"embedding {n}": part for n, part in enumerate(embedding_parts(frames, challenge))},
        **{
            f"cookie {cookie.name}": b64decode(cookie.value or "", altchars=b"-_")
            for cookie in page.http.cookies.jar
            if cookie.name == "face_secret"
        },
    }


def embedding_parts(frames: Sequence[bytes], challenge: Sequence[str]) -> list[bytes]:
    """The enrolment as it is stored once it is opened, in pieces."""
    from facelogin import pipeline  # noqa: PLC0415 (slow, and only here)
    from facelogin.challenge import Step  # noqa: PLC0415

    steps = [number * len(challenge) // len(frames) for number in range(len(frames))]
    film = pipeline.Film(challenge=[Step(one) for one in challenge], frames=frames, steps=steps)
    packed = pipeline.pack(pipeline.judge_enrolment(film, lambda _percent: None).embeddings)
    return [packed[place : place + 32] for place in range(0, len(packed), 512)]


def test_a_frame_is_looked_at_while_the_capture_is_recorded_and_is_gone_at_once(
    product: Product, open_page: Callable[[], Page], camera: "Camera"
) -> None:
    page = open_page()
    page.give_password("carol")
    body = {"consent_version": consent.VERSION, "password": PASSWORD}
    capture = page.face("POST", "enrolments", body)
    straight, left = (camera("person-5-turning", [step])[-1] for step in ("straight", "left"))

    first, second = (page.preview(capture, frame).json() for frame in (straight, left))
    stored = dump(product)

    assert first["looked"]
    assert first["hint"] is None
    assert second["turn"] - first["turn"] > 0.1
    assert page.look_at(capture)["state"] == "open"
    assert leaks(stored, {"a picture": straight[:24], "its middle": straight[5000:5032]}) == []


def test_a_job_that_kills_its_process_is_refused_and_the_next_one_is_judged(
    product: Product, open_page: Callable[[], Page], camera: "Camera"
) -> None:
    page = open_page()
    page.give_password("carol")
    body = {"consent_version": consent.VERSION, "password": PASSWORD}
    fatal = page.face("POST", "enrolments", body)
    page.send(fatal, camera("person-5-turning", fatal["challenge"]))
    page.wait_for(fatal, until={"running"})

    for child in children_of(product.processes["worker"].pid):
        os.kill(child, signal.SIGKILL)
    refused = page.wait_for(fatal)
    next_one = page.face("POST", "enrolments", body)
    passed = page.show(next_one, camera("person-5-turning", next_one["challenge"]))

    assert (refused["state"], refused["reasons"]) == ("refused", ["failed"])
    assert passed["state"] == "passed"


def test_a_whole_worker_that_is_killed_leaves_no_frame_and_the_person_hears_in_20_seconds(
    product: Product, open_page: Callable[[], Page], camera: "Camera"
) -> None:
    page = open_page()
    page.give_password("carol")
    body = {"consent_version": consent.VERSION, "password": PASSWORD}
    capture = page.face("POST", "enrolments", body)
    page.send(capture, camera("person-5-turning", capture["challenge"], start=2))
    page.wait_for(capture, until={"running"})

    os.killpg(product.processes["worker"].pid, signal.SIGKILL)
    killed_at = time.monotonic()
    sealed = frames_in(product)
    refused = page.wait_for(capture)
    waited = time.monotonic() - killed_at
    product.stop_process("worker")
    product.start_process("worker", "face_worker")

    assert sealed > 0
    assert (refused["state"], refused["reasons"]) == ("refused", ["time_out"])
    assert frames_in(product) == 0
    assert waited < 20


def frames_in(product: Product) -> int:
    said = product.manage(
        "shell",
        "-v",
        "0",
        "-c",
        "from facelogin.models import Frames; print(Frames.objects.count())",
    )
    return int(said.split()[-1])


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_what_waited_while_no_worker_was_there_is_judged_by_the_next(
    product: Product, open_page: Callable[[], Page], camera: "Camera"
) -> None:
    product.stop_process("worker")
    page = open_page()
    page.give_password("carol")
    body = {"consent_version": consent.VERSION, "password": PASSWORD}
    capture = page.face("POST", "enrolments", body)
    frames = camera("person-5-turning", capture["challenge"], start=1)
    page.send(capture, frames)
    assert page.look_at(capture)["state"] == "queued"
    waiting = dump(product)

    product.start_process("worker", "face_worker")
    verdict = page.wait_for(capture)

    assert verdict["state"] == "passed"
    assert leaks(waiting, {"a picture": frames[0][:24]}) == []
