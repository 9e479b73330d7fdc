"""What the worker does with a queued capture, with real frames and the real pipeline."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

pytest.importorskip("deepface", reason="the face worker's packages are not installed")

from accounts.models import Person
from facelogin import tasks
from facelogin.models import (
    Attempt,
    Capture,
    FailureBudget,
    Frames,
    Recording,
    Template,
)
from facelogin.sealing import CannotOpenError
from facelogin.services import captures, events, judging, templates
from tests.facelogin.browsers import Browser, id_of
from tests.facelogin.pictures import GOOD
from tests.facelogin.routes import judge, message_about

if TYPE_CHECKING:
    from tests.facelogin.conftest import Camera

pytestmark = pytest.mark.django_db


@pytest.fixture
def enrolled(alice: Person, camera: "Camera") -> Person:
    """Alice, enrolled with the camera of person 5."""
    browser = Browser()
    browser.give_password(alice)
    capture = browser.start_enrolment().json()
    browser.submit(capture, camera("person-5-turning", capture["challenge"]))
    judge(capture)
    browser.complete(capture)
    browser.make_recovery_codes()
    assert browser.state == "no_device"
    return alice


@pytest.fixture
def at_the_camera(browser: Browser, enrolled: Person) -> Browser:
    """A browser whose login as Alice waits for the face."""
    browser.give_password(enrolled)
    return browser


def queue(
    browser: Browser, camera: "Camera", video: str, *, first: bytes | None = None
) -> dict[str, Any]:
    """Submit what the camera shows; ``first`` takes the place of the first frame."""
    capture: dict[str, Any] = browser.start_verification().json()
    frames = camera(video, capture["challenge"], start=1)
    if first is not None:
        frames[0] = first
    assert browser.submit(capture, frames).json()["state"] == "queued"
    return capture


def failures(person: Person) -> int:
    return FailureBudget.objects.get(person=person, kind="face").in_all


def test_the_right_face_passes_and_spends_no_try(
    at_the_camera: Browser, enrolled: Person, camera: "Camera"
) -> None:
    capture = queue(at_the_camera, camera, "person-5-turning")

    judge(capture)

    seen = at_the_camera.look_at(capture)
    assert (seen["state"], seen["progress"], seen["reasons"]) == ("passed", 100, [])
    assert failures(enrolled) == 0
    assert not Frames.objects.exists()
    assert at_the_camera.complete(capture).json()["state"] == "no_device"


def test_who_took_long_to_record_has_as_long_to_wait_and_to_finish(
    at_the_camera: Browser, camera: "Camera"
) -> None:
    capture = at_the_camera.start_verification().json()
    Capture.objects.update(expires_at=timezone.now() + timedelta(seconds=5))
    at_the_camera.submit(capture, camera("person-5-turning", capture["challenge"], start=1))
    waits_until = Capture.objects.get().expires_at
    Capture.objects.update(expires_at=timezone.now() + timedelta(seconds=5))  # it was in line

    judge(capture)

    assert waits_until > timezone.now() + timedelta(seconds=30)
    assert Capture.objects.get().expires_at > timezone.now() + timedelta(seconds=20)
    assert at_the_camera.complete(capture).json()["state"] == "no_device"


def test_another_face_is_refused_spends_a_try_and_gets_no_further(
    at_the_camera: Browser, enrolled: Person, camera: "Camera"
) -> None:
    capture = queue(at_the_camera, camera, "person-2-turning")

    judge(capture)

    seen = at_the_camera.look_at(capture)
    assert (seen["state"], seen["reasons"]) == ("refused", ["not_recognised"])
    assert failures(enrolled) == 1
    assert not Frames.objects.exists()
    assert at_the_camera.complete(capture).json()["code"] == "capture_not_passed"
    assert at_the_camera.state == "second_factor"


def test_an_answer_says_nothing_of_how_near_it_was(
    at_the_camera: Browser, camera: "Camera"
) -> None:
    capture = queue(at_the_camera, camera, "person-2-turning")

    judge(capture)

    assert set(at_the_camera.look_at(capture)) == set(capture)


def test_a_frame_that_does_not_decode_is_refused_and_spends_no_try(
    at_the_camera: Browser, enrolled: Person, camera: "Camera"
) -> None:
    nothing_behind_its_header = GOOD
    capture = queue(at_the_camera, camera, "person-5-turning", first=nothing_behind_its_header)

    judge(capture)

    seen = at_the_camera.look_at(capture)
    assert (seen["state"], seen["reasons"]) == ("refused", ["bad_frame"])
    assert failures(enrolled) == 0


def test_the_same_frames_again_are_refused_and_spend_a_try(
    at_the_camera: Browser, other_browser: Browser, enrolled: Person, camera: "Camera"
) -> None:
    first = queue(at_the_camera, camera, "person-5-turning")
    judge(first)
    other_browser.give_password(enrolled)
    again = in_the_same_order(other_browser, first["challenge"])
    shown = camera("person-5-turning", first["challenge"], start=1)

    other_browser.submit(again, shown)
    judge(again)

    assert at_the_camera.look_at(first)["state"] == "passed"
    assert other_browser.look_at(again)["reasons"] == ["repeated"]
    assert failures(enrolled) == 1


def test_pictures_that_jump_spend_no_try_and_their_owner_hears_of_them(
    at_the_camera: Browser, enrolled: Person, camera: "Camera"
) -> None:
    capture: dict[str, Any] = at_the_camera.start_verification().json()
    frames = camera("person-5-turning", capture["challenge"], start=1)
    straight = camera("person-5-turning", ["straight"], start=2)
    frames[8:12], frames[24:28] = straight[:4], straight[4:]  # the first half of each turn
    at_the_camera.submit(capture, frames)

    judge(capture)

    assert at_the_camera.look_at(capture)["reasons"] == ["turned_too_fast"]
    assert failures(enrolled) == 0
    assert [alert.kind for alert in events.alerts_of(enrolled)] == ["refused"]


def in_the_same_order(browser: Browser, challenge: list[str]) -> dict[str, Any]:
    """Captures until one asks for the same; there are two orders."""
    while True:
        capture: dict[str, Any] = browser.start_verification().json()
        if capture["challenge"] == challenge:
            return capture


def test_withdrawing_forgets_which_frames_were_shown(
    at_the_camera: Browser, enrolled: Person, camera: "Camera"
) -> None:
    judge(queue(at_the_camera, camera, "person-5-turning"))
    assert Recording.objects.filter(person=enrolled).count() == 2

    templates.erase_face(enrolled)

    assert not Recording.objects.exists()


def test_a_second_message_about_a_capture_finds_nothing_to_do(
    at_the_camera: Browser, camera: "Camera"
) -> None:
    capture = queue(at_the_camera, camera, "person-5-turning")
    message = message_about(capture)
    tasks.judge_capture(*message)
    before = Capture.objects.values().get(pk=id_of(capture))
    assert before["state"] == "passed"

    tasks.judge_capture(*message)

    assert Capture.objects.values().get(pk=id_of(capture)) == before


def test_a_capture_whose_worker_was_killed_is_not_tried_again(
    at_the_camera: Browser, enrolled: Person, camera: "Camera"
) -> None:
    capture = queue(at_the_camera, camera, "person-5-turning")
    judging._claim(id_of(capture))  # and then the worker is killed

    judge(capture)

    assert at_the_camera.look_at(capture)["state"] == "running"
    assert Capture.objects.get().expires_at < timezone.now() + timedelta(seconds=20)
    Capture.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    seen = at_the_camera.look_at(capture)
    assert (seen["state"], seen["reasons"]) == ("refused", ["time_out"])
    assert not Frames.objects.exists()
    assert failures(enrolled) == 1  # whoever can kill workers cannot do so without end


def test_what_the_database_holds_does_not_open_without_the_message(
    at_the_camera: Browser, camera: "Camera"
) -> None:
    capture = queue(at_the_camera, camera, "person-5-turning")
    _, salt = message_about(capture)
    row = Capture.objects.get(pk=id_of(capture))
    stored = Frames.objects.values().get()

    payload = captures.open_frames(row, bytes.fromhex(salt))

    assert len(payload.frames) == len(payload.steps) == 40
    assert set(stored) == {"capture_id", "sealed"}
    with pytest.raises(CannotOpenError):
        captures.open_frames(row, bytes(32))


def test_a_message_with_another_salt_is_refused_and_leaves_no_frames(
    at_the_camera: Browser, camera: "Camera"
) -> None:
    capture = queue(at_the_camera, camera, "person-5-turning")

    judging.judge_capture(id_of(capture), bytes(32))

    assert at_the_camera.look_at(capture)["reasons"] == ["failed"]
    assert not Frames.objects.exists()


def test_a_verdict_that_comes_too_late_counts_for_nothing(
    at_the_camera: Browser, camera: "Camera"
) -> None:
    capture = queue(at_the_camera, camera, "person-5-turning")
    Capture.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    judge(capture)

    seen = at_the_camera.look_at(capture)
    assert (seen["state"], seen["reasons"]) == ("refused", ["time_out"])


def test_a_template_moved_to_another_account_opens_for_nobody(
    at_the_camera: Browser, enrolled: Person, bob: Person, camera: "Camera"
) -> None:
    capture = queue(at_the_camera, camera, "person-5-turning")
    Template.objects.filter(person=enrolled).update(model="another-model")

    judge(capture)

    seen = at_the_camera.look_at(capture)
    assert (seen["state"], seen["reasons"]) == ("refused", ["failed"])


def test_consent_withdrawn_while_the_worker_judges_leaves_nothing(
    at_the_camera: Browser, enrolled: Person, camera: "Camera"
) -> None:
    capture = queue(at_the_camera, camera, "person-5-turning")
    templates.erase_face(enrolled)

    judge(capture)

    assert not Attempt.objects.exists()
    assert not Frames.objects.exists()
    assert not Template.objects.exists()


def test_a_capture_that_does_not_exist_is_nothing_to_do(alice: Person) -> None:
    judging.judge_capture(alice.pk, bytes(32))

    assert not Capture.objects.exists()
