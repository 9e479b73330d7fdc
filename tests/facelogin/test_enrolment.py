"""A face is enrolled, agreed to and withdrawn; the password changes around it."""

from http import HTTPStatus
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import (
    TOTP,
    generate_totp_secret,
)
from pytest_django import Settings

from accounts.models import Person
from accounts.services import people
from facelogin import consent, sealing
from facelogin.models import (
    Consent,
    Template,
)
from facelogin.services import budgets, templates
from tests.facelogin.browsers import PASSWORD, Browser
from tests.facelogin.routes import (
    FRAMES,
    give_alternative,
    pass_as_the_worker_does,
    refusal,
)

pytestmark = pytest.mark.django_db


# Enrolment --------------------------------------------------------------------------------------


def test_enrolling_needs_a_login_the_password_and_the_present_consent(
    browser: Browser, alice: Person
) -> None:
    assert refusal(browser.start_enrolment())[0] == HTTPStatus.FORBIDDEN
    browser.give_password(alice)
    assert refusal(browser.start_enrolment(consent_version="0")) == (409, "consent_outdated")
    assert refusal(browser.start_enrolment(password="wrong")) == (403, "wrong_password")
    assert not Consent.objects.exists()

    assert browser.start_enrolment().status_code == HTTPStatus.CREATED

    assert Consent.objects.get(person=alice).version == consent.VERSION


def test_guessing_the_password_at_enrolment_is_slowed_down(browser: Browser, alice: Person) -> None:
    browser.give_password(alice)
    for _ in range(budgets.FREE_TRIES):
        assert refusal(browser.start_enrolment(password="wrong")) == (403, "wrong_password")

    assert refusal(browser.start_enrolment()) == (429, "face_locked")


def test_enrolling_is_refused_where_the_face_is_switched_off(
    browser: Browser, alice: Person, settings: Settings
) -> None:
    settings.CONFIG = settings.CONFIG.model_copy(update={"face_enabled": False})
    browser.give_password(alice)

    assert refusal(browser.start_enrolment()) == (503, "face_disabled")


def test_somebody_who_has_only_the_password_cannot_replace_the_face(
    browser: Browser, enrolled: Person, settings: Settings
) -> None:
    browser.give_password(enrolled)

    assert refusal(browser.start_enrolment())[0] == HTTPStatus.FORBIDDEN
    assert refusal(browser.face("DELETE"))[0] == HTTPStatus.FORBIDDEN
    assert Template.objects.filter(person=enrolled).exists()


def test_an_enrolment_begun_before_there_was_a_factor_does_not_outlive_the_first_one(
    browser: Browser, alice: Person
) -> None:
    browser.give_password(alice)
    capture = browser.start_enrolment().json()
    browser.submit(capture, FRAMES)
    pass_as_the_worker_does(capture)
    TOTP.activate(alice, generate_totp_secret())

    answer = browser.complete(capture)

    assert refusal(answer) == (403, "second_factor_required")
    assert not Template.objects.exists()


def test_withdrawing_the_consent_erases_the_template_at_once(
    browser: Browser, enrolled: Person, capture: dict[str, Any]
) -> None:
    browser.submit(capture, FRAMES)
    pass_as_the_worker_does(capture)
    browser.complete(capture)

    answer = browser.face("DELETE")

    assert answer.json()["state"] == "enrolment"
    assert not Template.objects.exists()
    assert Consent.objects.get(person=enrolled).withdrawn_at is not None


# The password -----------------------------------------------------------------------------------


def test_a_changed_password_opens_the_same_template(
    browser: Browser, other_browser: Browser, enrolled: Person, capture: dict[str, Any]
) -> None:
    give_alternative(enrolled)
    browser.submit(capture, FRAMES)
    pass_as_the_worker_does(capture)
    browser.complete(capture)
    before = Template.objects.get()
    new = "a rather different sentence"

    browser.call(
        "POST",
        "/_allauth/browser/v1/account/password/change",
        {"current_password": PASSWORD, "new_password": new},
    )

    after = Template.objects.get()
    assert after.sealed == before.sealed
    assert after.wrapped_key != before.wrapped_key
    with pytest.raises(sealing.CannotOpenError):
        templates.template_key(after, PASSWORD)
    other_browser.give_password(enrolled, password=new)
    assert other_browser.start_verification().status_code == HTTPStatus.CREATED


# The codes beside it ----------------------------------------------------------------------------


def log_in_with_the_face(browser: Browser, person: Person) -> dict[str, Any]:
    """The session object that the last step answers with."""
    browser.give_password(person)
    capture = browser.start_verification().json()
    browser.submit(capture, FRAMES)
    pass_as_the_worker_does(capture)
    return dict(browser.complete(capture).json())


def test_whose_codes_were_forgotten_makes_new_ones_before_anything_else(
    browser: Browser, other_browser: Browser, enrolled: Person
) -> None:
    give_alternative(enrolled)
    assert log_in_with_the_face(browser, enrolled)["state"] == "no_device"
    people.reset_codes(person=enrolled)
    assert browser.state == "anonymous"

    session = log_in_with_the_face(other_browser, enrolled)

    assert (session["state"], session["pending"]) == ("enrolment", "recovery_codes")
    assert session["challenge"] is None
    assert refusal(other_browser.client.get("/api/v1/devices"))[1] == "second_factor_required"
    other_browser.make_recovery_codes()
    assert other_browser.state == "no_device"
    assert other_browser.session["pending"] is None
    assert refusal(other_browser.client.get("/api/v1/devices"))[1] == "device_required"


def test_forgotten_codes_do_not_let_the_password_alone_make_new_ones(
    browser: Browser, enrolled: Person
) -> None:
    give_alternative(enrolled)
    people.reset_codes(person=enrolled)
    browser.give_password(enrolled)

    made = browser.call("POST", "/_allauth/browser/v1/account/authenticators/recovery-codes")

    assert made.status_code == HTTPStatus.UNAUTHORIZED
    assert (browser.state, browser.session["pending"]) == ("second_factor", "face")
    assert refusal(browser.face("POST", "/decline")) == (409, "no_alternative")
