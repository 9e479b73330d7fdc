"""Frames on the way, and captures that end: used once, expired, or tried too often."""

from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from accounts.models import Person
from facelogin.models import (
    Capture,
    FailureBudget,
    Frames,
    Preview,
)
from facelogin.services import budgets
from tests.facelogin.browsers import Browser
from tests.facelogin.pictures import GOOD, png
from tests.facelogin.routes import (
    FRAMES,
    pass_as_the_worker_does,
    refusal,
)

pytestmark = pytest.mark.django_db


def test_a_frame_nobody_looks_at_is_forgotten_and_said_to_be_unseen(
    browser: Browser, capture: dict[str, Any]
) -> None:
    answer = browser.preview(capture, GOOD)

    assert answer.json() == {"looked": False, "hint": None, "turn": None}
    assert not Preview.objects.exists()


def test_frames_to_look_at_are_taken_one_at_a_time(
    browser: Browser, capture: dict[str, Any]
) -> None:
    Capture.objects.update(previewed_at=timezone.now() + timedelta(seconds=1))

    assert refusal(browser.preview(capture, GOOD)) == (429, "too_many_previews")

    Capture.objects.update(previewed_at=None, previews_taken=120)
    assert refusal(browser.preview(capture, GOOD)) == (429, "too_many_previews")
    Capture.objects.update(previews_taken=119)
    assert browser.preview(capture, GOOD).status_code == HTTPStatus.OK


BAD_PREVIEWS: dict[str, Callable[[Browser, dict[str, Any]], Any]] = {
    "another nonce": lambda b, c: b.preview(c, GOOD, nonce="A" * 21 + "A=="),
    "a truncated frame": lambda b, c: b.preview(c, GOOD[:-2]),
    "a huge PNG": lambda b, c: b.preview(c, png(20_000, 20_000)),
    "no frame": lambda b, c: b.preview(c, b""),
    "an unknown field": lambda b, c: b.preview(c, GOOD, score="0.1"),
    "two frames": lambda b, c: b.preview(
        c, GOOD, frame=[SimpleUploadedFile("a.jpg", GOOD), SimpleUploadedFile("b.jpg", GOOD)]
    ),
}


@pytest.mark.parametrize("name", BAD_PREVIEWS)
def test_what_is_not_a_frame_to_look_at_is_refused_and_counts_for_nothing(
    browser: Browser, capture: dict[str, Any], name: str
) -> None:
    status, code = refusal(BAD_PREVIEWS[name](browser, capture))

    assert (status, code) in {(422, "bad_capture"), (400, "invalid_input")}
    assert not Preview.objects.exists()
    assert Capture.objects.get().previews_taken == 0


def test_only_the_browser_that_began_has_its_frames_looked_at(
    browser: Browser, other_browser: Browser, enrolled: Person, capture: dict[str, Any]
) -> None:
    other_browser.give_password(enrolled)

    assert refusal(other_browser.preview(capture, GOOD)) == (404, "not_found")
    assert refusal(Browser().preview(capture, GOOD)) == (404, "not_found")

    assert browser.preview(capture, GOOD).status_code == HTTPStatus.OK
    browser.submit(capture, FRAMES)
    assert refusal(browser.preview(capture, GOOD)) == (409, "capture_used")


def test_a_new_capture_ends_the_one_before(browser: Browser, capture: dict[str, Any]) -> None:
    browser.submit(capture, FRAMES)

    again = browser.start_verification().json()

    assert again["id"] != capture["id"]
    assert not Frames.objects.exists()
    assert browser.face("GET", f"/captures/{capture['id']}").status_code == 404


def let_a_minute_pass() -> None:
    Capture.objects.update(expires_at=timezone.now() - timedelta(seconds=1))


def test_an_open_capture_expires(browser: Browser, capture: dict[str, Any]) -> None:
    let_a_minute_pass()

    assert refusal(browser.submit(capture, FRAMES)) == (410, "capture_expired")
    assert browser.look_at(capture)["state"] == "expired"


def test_a_capture_that_no_worker_takes_is_refused_and_erased_after_its_minute(
    browser: Browser, enrolled: Person, capture: dict[str, Any]
) -> None:
    browser.submit(capture, FRAMES)
    let_a_minute_pass()

    answer = browser.look_at(capture)

    assert (answer["state"], answer["reasons"]) == ("refused", ["time_out"])
    assert not Frames.objects.exists()
    assert FailureBudget.objects.get(person=enrolled, kind="face").in_all == 0


def test_somebody_elses_new_capture_sweeps_up_old_ones(
    browser: Browser, other_browser: Browser, bob: Person, capture: dict[str, Any]
) -> None:
    browser.submit(capture, FRAMES)
    let_a_minute_pass()
    other_browser.give_password(bob)

    assert other_browser.start_enrolment().status_code == HTTPStatus.CREATED

    assert not Frames.objects.exists()


def test_a_passed_capture_does_not_wait_for_ever(browser: Browser, capture: dict[str, Any]) -> None:
    browser.submit(capture, FRAMES)
    pass_as_the_worker_does(capture)
    let_a_minute_pass()

    assert refusal(browser.complete(capture)) == (410, "capture_expired")
    assert browser.state == "second_factor"


def test_the_sixth_try_in_a_row_waits(browser: Browser, enrolled: Person) -> None:
    browser.give_password(enrolled)
    for _ in range(budgets.FREE_TRIES):
        capture = browser.start_verification().json()
        assert browser.submit(capture, FRAMES).status_code == HTTPStatus.ACCEPTED
    capture = browser.start_verification().json()

    answer = browser.submit(capture, FRAMES)

    assert refusal(answer) == (429, "face_locked")
    assert answer.json()["retry_after"] in range(25, 31)
    assert browser.look_at(capture)["state"] == "open"
