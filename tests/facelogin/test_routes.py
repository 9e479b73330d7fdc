"""Sign up with a face, log in with it: the routes, the job, and what is stored meanwhile."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import pytest
from django.core.management import call_command
from pytest_django import Settings

from accounts.models import Person
from accounts.services import secret_key
from facelogin import consent, sealing
from facelogin.lifecycle import MAX_FRAMES, MIN_FRAMES
from facelogin.models import (
    Attempt,
    FailureBudget,
    Frames,
)
from facelogin.services import budgets
from tests.facelogin.browsers import Browser
from tests.facelogin.pictures import GOOD, frame_header, picture, png
from tests.facelogin.routes import (
    FRAMES,
    code_of,
    give_alternative,
    pass_as_the_worker_does,
    refusal,
)

pytestmark = pytest.mark.django_db


# What the page is told --------------------------------------------------------------------------


def test_anybody_may_read_what_would_be_agreed_to(browser: Browser, db: None) -> None:
    answer = browser.face("GET").json()

    assert answer["consent"] == {"version": consent.VERSION, "text": consent.TEXT}
    assert set(answer["challenge_words"]) == {"straight", "left", "right"}
    assert answer["enabled"]
    assert not answer["enrolled"]


def test_a_capture_says_what_is_expected(capture: dict[str, Any]) -> None:
    assert capture["state"] == "open"
    assert capture["purpose"] == "verification"
    assert capture["challenge"][0] == "straight"
    assert {"left", "right"} < set(capture["challenge"])
    assert (capture["min_frames"], capture["max_frames"]) == (MIN_FRAMES, MAX_FRAMES)
    assert capture["reasons"] == []


def test_challenges_are_not_always_the_same(browser: Browser, enrolled: Person) -> None:
    browser.give_password(enrolled)

    drawn = {tuple(browser.start_verification().json()["challenge"]) for _ in range(20)}

    assert len(drawn) == 2


# The stage --------------------------------------------------------------------------------------


def test_without_a_face_the_login_does_not_wait_for_one(browser: Browser, alice: Person) -> None:
    browser.give_password(alice)

    assert browser.state == "enrolment"
    assert not Attempt.objects.exists()


def test_with_a_face_the_login_waits_and_only_this_browser_holds_the_secret(
    browser: Browser, enrolled: Person
) -> None:
    answer = browser.give_password(enrolled)

    assert answer.status_code == HTTPStatus.UNAUTHORIZED
    assert browser.session["pending"] == "face"
    cookie = answer.cookies["face_secret"]
    assert cookie["path"] == "/api/v1/face"
    assert cookie["httponly"]
    assert cookie["samesite"] == "Strict"
    stored = Attempt.objects.get()
    server_only = sealing.frames_key(bytes(32), b"")
    with pytest.raises(sealing.CannotOpenError):
        server_only.unwrap(bytes(stored.wrapped_for_browser), about=b"")


def test_a_wrong_password_leaves_no_attempt_and_no_cookie(
    browser: Browser, enrolled: Person
) -> None:
    answer = browser.give_password(enrolled, password="something else entirely")

    assert "face_secret" not in answer.cookies
    assert browser.state == "anonymous"
    assert not Attempt.objects.exists()


def test_a_password_set_without_the_old_one_shuts_the_face_and_lets_nobody_past(
    browser: Browser, enrolled: Person
) -> None:
    enrolled.set_password("an administrator has set this")
    enrolled.save()

    browser.give_password(enrolled, password="an administrator has set this")

    assert browser.session["pending"] == "face"
    assert refusal(browser.start_verification()) == (409, "face_not_enrolled")
    assert refusal(browser.face("POST", "/decline")) == (409, "no_alternative")


def test_a_template_under_another_secret_key_is_refused_and_lets_nobody_past(
    browser: Browser, enrolled: Person, settings: Settings
) -> None:
    kept, settings.SERVER_SECRET = settings.SERVER_SECRET, bytes(32)

    answer = browser.give_password(enrolled)

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (503, "seal_broken")
    assert browser.state == "anonymous"
    settings.SERVER_SECRET = kept
    browser.give_password(enrolled)
    assert browser.session["pending"] == "face"


def test_after_a_lost_secret_key_is_given_up_a_face_is_enrolled_again(
    browser: Browser, enrolled: Person, settings: Settings
) -> None:
    secret_key.mark_database()
    settings.SERVER_SECRET = bytes(32)
    call_command("give_up_lost_key", "--yes")

    browser.give_password(enrolled)

    assert browser.state == "enrolment"
    assert browser.start_enrolment().status_code == HTTPStatus.CREATED


def test_a_face_that_cannot_be_used_makes_way_for_the_alternative(
    browser: Browser, enrolled: Person, settings: Settings
) -> None:
    settings.CONFIG = settings.CONFIG.model_copy(update={"face_enabled": False})
    give_alternative(enrolled)

    browser.give_password(enrolled)

    assert browser.session["pending"] == "mfa_authenticate"


def test_a_face_that_is_switched_off_is_not_a_way_around_it(
    browser: Browser, enrolled: Person, settings: Settings
) -> None:
    settings.CONFIG = settings.CONFIG.model_copy(update={"face_enabled": False})

    browser.give_password(enrolled)

    assert browser.state == "second_factor"
    assert refusal(browser.start_verification()) == (503, "face_disabled")


def test_declining_goes_on_with_the_alternative(browser: Browser, enrolled: Person) -> None:
    give_alternative(enrolled)
    browser.give_password(enrolled)

    answer = browser.face("POST", "/decline")

    assert answer.json()["pending"] == "mfa_authenticate"
    assert not Attempt.objects.exists()


def test_declining_without_an_alternative_is_refused(browser: Browser, enrolled: Person) -> None:
    browser.give_password(enrolled)

    assert refusal(browser.face("POST", "/decline")) == (409, "no_alternative")
    assert browser.session["pending"] == "face"


def test_fifty_failures_switch_the_face_off(browser: Browser, enrolled: Person) -> None:
    browser.give_password(enrolled)
    assert browser.start_verification().status_code == HTTPStatus.CREATED
    FailureBudget.objects.create(person=enrolled, kind="face", in_a_row=50, in_all=50)

    assert refusal(browser.start_verification()) == (429, "face_locked")


def test_a_login_with_a_code_switches_the_face_on_again(browser: Browser, enrolled: Person) -> None:
    secret = give_alternative(enrolled)
    FailureBudget.objects.create(person=enrolled, kind="face", in_a_row=50, in_all=50)
    browser.give_password(enrolled)
    assert browser.session["pending"] == "mfa_authenticate"

    code = code_of(secret)
    browser.call("POST", "/_allauth/browser/v1/auth/2fa/authenticate", {"code": code})

    assert browser.state == "no_device"
    assert not budgets.is_exhausted(enrolled)


def test_a_password_alone_forgives_nothing(browser: Browser, enrolled: Person) -> None:
    FailureBudget.objects.create(person=enrolled, kind="face", in_a_row=50, in_all=50)

    browser.give_password(enrolled)

    assert browser.state == "second_factor"
    assert budgets.is_exhausted(enrolled)


def test_over_https_the_secret_travels_over_https_only(
    browser: Browser, enrolled: Person, settings: Settings
) -> None:
    settings.HTTPS = True

    answer = browser.give_password(enrolled)

    assert answer.cookies["face_secret"]["secure"]


def test_a_passed_capture_lets_the_login_go_on_once(
    browser: Browser, enrolled: Person, capture: dict[str, Any]
) -> None:
    give_alternative(enrolled)
    assert browser.submit(capture, FRAMES).status_code == HTTPStatus.ACCEPTED
    assert refusal(browser.complete(capture)) == (409, "capture_not_passed")
    pass_as_the_worker_does(capture)

    answer = browser.complete(capture)

    assert answer.json()["state"] == "no_device"
    assert answer.json()["person"]["username"] == enrolled.username
    assert not Attempt.objects.exists()
    assert refusal(browser.complete(capture)) == (404, "not_found")


def test_a_passed_capture_is_of_no_use_without_the_browsers_secret(
    browser: Browser, capture: dict[str, Any]
) -> None:
    browser.submit(capture, FRAMES)
    pass_as_the_worker_does(capture)
    del browser.client.cookies["face_secret"]

    assert refusal(browser.complete(capture)) == (422, "bad_capture")
    assert browser.state == "second_factor"


# A capture --------------------------------------------------------------------------------------


def test_the_frames_are_stored_sealed_and_not_in_the_message(
    browser: Browser, capture: dict[str, Any]
) -> None:
    answer = browser.submit(capture, FRAMES)

    assert answer.status_code == HTTPStatus.ACCEPTED
    assert answer.json()["state"] == "queued"
    sealed = bytes(Frames.objects.get().sealed)
    assert len(sealed) > len(GOOD) * MIN_FRAMES
    assert GOOD[:20] not in sealed


BAD_SUBMISSIONS: dict[str, Callable[[Browser, dict[str, Any]], Any]] = {
    "too few frames": lambda b, c: b.submit(c, FRAMES[:-1]),
    "no frames": lambda b, c: b.submit(c, [], steps="[]"),
    "another nonce": lambda b, c: b.submit(c, FRAMES, nonce="A" * 21 + "A=="),
    "fewer steps than frames": lambda b, c: b.submit(c, FRAMES, steps="[0, 1, 2, 3, 4]"),
    "a step left out": lambda b, c: b.submit(c, FRAMES, steps=str([0] * 29 + [4])),
    "steps out of order": lambda b, c: b.submit(c, FRAMES, steps=str([4, 3, 2, 1, 0] * 6)),
    "a truncated frame": lambda b, c: b.submit(c, [GOOD[:-2], *FRAMES[1:]]),
    "a frame and an archive": lambda b, c: b.submit(c, [GOOD + b"PK\3\4", *FRAMES[1:]]),
    "a huge PNG": lambda b, c: b.submit(c, [*FRAMES[1:], png(20_000, 20_000)]),
    "a frame with a huge size": lambda b, c: b.submit(
        c, [picture(frame_header(width=20_000, height=20_000)), *FRAMES[1:]]
    ),
    "a tiny frame": lambda b, c: b.submit(
        c, [picture(frame_header(width=16, height=16)), *FRAMES[1:]]
    ),
    "an empty frame": lambda b, c: b.submit(c, [b"", *FRAMES[1:]]),
    "too many frames": lambda b, c: b.submit(c, [GOOD] * (MAX_FRAMES + 1)),
    "hundreds of frames": lambda b, c: b.submit(c, [GOOD] * 300),
    "an unknown field": lambda b, c: b.submit(c, FRAMES, score="0.1"),
    "two nonces": lambda b, c: b.submit(c, FRAMES, nonce=[c["nonce"], c["nonce"]]),
    "steps that are no list": lambda b, c: b.submit(c, FRAMES, steps='{"0": 1}'),
    "steps that are no JSON": lambda b, c: b.submit(c, FRAMES, steps="[0,"),
    "steps that are texts": lambda b, c: b.submit(c, FRAMES, steps='["0"]'),
    "frames that are no files": lambda b, c: b.submit(c, [], frames=["a", "b"], steps="[]"),
    "JSON": lambda b, c: b.face("PUT", f"/captures/{c['id']}/frames", {"frames": []}),
    "more than two megabytes": lambda b, c: b.submit(
        c, [GOOD[:-2] + bytes(70_000) + b"\xff\xd9"] * 40
    ),
}


@pytest.mark.parametrize("name", BAD_SUBMISSIONS)
def test_what_is_not_a_capture_is_refused_and_changes_nothing(
    browser: Browser, capture: dict[str, Any], name: str
) -> None:
    answer = BAD_SUBMISSIONS[name](browser, capture)

    assert answer.status_code in {400, 413, 415, 422}
    assert answer.json()["code"] in {
        "bad_capture",
        "invalid_input",
        "too_large",
        "unsupported_media_type",
    }
    assert browser.look_at(capture)["state"] == "open"
    assert not Frames.objects.exists()
    assert not FailureBudget.objects.exists()
    assert browser.submit(capture, FRAMES).status_code == HTTPStatus.ACCEPTED


def test_a_capture_is_used_once(browser: Browser, capture: dict[str, Any]) -> None:
    assert browser.submit(capture, FRAMES).status_code == HTTPStatus.ACCEPTED

    assert refusal(browser.submit(capture, FRAMES)) == (409, "capture_used")


def test_a_capture_of_another_session_does_not_exist(
    browser: Browser,
    other_browser: Browser,
    enrolled: Person,
    bob: Person,
    capture: dict[str, Any],
) -> None:
    other_browser.give_password(enrolled)  # the same person, and another login
    stranger = Browser()
    stranger.give_password(bob)

    for browser_of_somebody in (other_browser, stranger, Browser()):
        assert browser_of_somebody.face("GET", f"/captures/{capture['id']}").status_code == 404
        assert refusal(browser_of_somebody.submit(capture, FRAMES)) == (404, "not_found")
        assert refusal(browser_of_somebody.complete(capture)) == (404, "not_found")
    assert browser.submit(capture, FRAMES).status_code == HTTPStatus.ACCEPTED


def test_frames_without_the_browsers_secret_are_refused(
    browser: Browser, other_browser: Browser, enrolled: Person, capture: dict[str, Any]
) -> None:
    other_browser.give_password(enrolled)
    own = browser.client.cookies["face_secret"].value
    browser.client.cookies["face_secret"] = other_browser.client.cookies["face_secret"].value

    assert refusal(browser.submit(capture, FRAMES)) == (422, "bad_capture")

    browser.client.cookies["face_secret"] = own
    assert browser.submit(capture, FRAMES).status_code == HTTPStatus.ACCEPTED
