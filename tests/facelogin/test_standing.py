"""A face counts once there is a way around it, and its owner hears of what happens to it."""

from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Person
from accounts.services import people
from facelogin.errors import FaceLocked
from facelogin.lifecycle import Reason, State
from facelogin.models import Attempt, Budget, Capture, Event, FailureBudget, Template
from facelogin.services import attempts, events, passages, rates, sweeping, templates
from facelogin.services.events import Kind
from tests.facelogin.browsers import PASSWORD, Browser, id_of
from tests.facelogin.pictures import GOOD

pytestmark = pytest.mark.django_db

FRAMES = [GOOD] * 30


def enrol_as_the_worker_does(browser: Browser) -> dict[str, Any]:
    """An enrolment capture that has passed, as the worker leaves it."""
    capture: dict[str, Any] = browser.start_enrolment().json()
    assert browser.submit(capture, FRAMES).status_code == HTTPStatus.ACCEPTED
    row = Capture.objects.get(pk=id_of(capture))
    secret = browser.face_secret
    key = attempts.key_for_browser(row.attempt, secret)
    sealed = key.seal(bytes(3 * 128 * 8), about=templates.about_template(row.attempt.person))
    row.move_to(State.RUNNING)
    sweeping.end(row, State.PASSED, [], sealed)
    return capture


@pytest.fixture
def with_a_face(browser: Browser, alice: Person) -> Browser:
    """Alice's browser, right after the capture that enrolled her, before anything else."""
    browser.give_password(alice)
    assert browser.complete(enrol_as_the_worker_does(browser)).status_code == HTTPStatus.OK
    return browser


# The way around ---------------------------------------------------------------------------------


def test_a_face_without_a_code_beside_it_does_not_count_even_if_the_page_is_loaded_again(
    with_a_face: Browser,
) -> None:
    session = with_a_face.session

    assert (session["state"], session["pending"]) == ("enrolment", "recovery_codes")
    assert not session["second_factors"]["face"]

    with_a_face.make_recovery_codes()

    session = with_a_face.session
    assert (session["state"], session["pending"]) == ("no_device", None)
    assert session["second_factors"]["face"]


def test_the_next_login_forgets_a_face_that_never_came_to_count(
    with_a_face: Browser, other_browser: Browser, alice: Person
) -> None:
    assert Template.objects.filter(person=alice).exists()

    other_browser.give_password(alice)

    assert other_browser.state == "enrolment"
    assert not Template.objects.filter(person=alice).exists()


def test_a_code_enrolled_in_another_session_does_not_make_the_face_count(
    browser: Browser, other_browser: Browser, alice: Person
) -> None:
    browser.give_password(alice)
    other_browser.give_password(alice)  # whoever it is, both know the password
    browser.complete(enrol_as_the_worker_does(browser))

    other_browser.make_recovery_codes()

    assert not Template.objects.filter(person=alice).exists()
    assert other_browser.session["second_factors"]["recovery_codes"]
    assert other_browser.state == "no_device"


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_face_that_somebody_else_put_in_the_place_of_the_waiting_one_never_counts(
    browser: Browser, other_browser: Browser, alice: Person, when: str
) -> None:
    if when == "before":
        other_browser.give_password(alice)
    browser.give_password(alice)
    assert browser.complete(enrol_as_the_worker_does(browser)).status_code == HTTPStatus.OK
    if when == "after":
        other_browser.give_password(alice)
    answer = other_browser.complete(enrol_as_the_worker_does(other_browser))
    assert answer.status_code == HTTPStatus.OK

    browser.make_recovery_codes()

    assert not Template.objects.exists()
    assert browser.session["second_factors"] == {
        "face": False,
        "totp": False,
        "recovery_codes": True,
    }


def test_a_session_that_withdrew_its_waiting_face_brings_none_to_count(
    with_a_face: Browser,
) -> None:
    assert passages.WAITING_KEY in with_a_face.client.session

    assert with_a_face.face("DELETE").status_code == HTTPStatus.OK

    assert passages.WAITING_KEY not in with_a_face.client.session


def test_a_second_enrolment_counts_at_once(with_a_face: Browser, alice: Person) -> None:
    with_a_face.make_recovery_codes()
    first = Template.objects.get(person=alice)

    with_a_face.complete(enrol_as_the_worker_does(with_a_face))

    second = Template.objects.get(person=alice)
    assert bytes(second.sealed) != bytes(first.sealed)
    assert second.counts
    assert with_a_face.state == "no_device"


def test_a_password_changed_in_between_ends_an_enrolment(
    browser: Browser, other_browser: Browser, alice: Person
) -> None:
    browser.give_password(alice)
    other_browser.give_password(alice)
    capture = enrol_as_the_worker_does(browser)

    templates.rewrap(alice, PASSWORD, "another sentence altogether")

    assert not Attempt.objects.exists()
    assert browser.complete(capture).status_code == HTTPStatus.NOT_FOUND
    assert not Template.objects.exists()


# Alerts -----------------------------------------------------------------------------------------


def test_the_owner_is_told_that_somebody_tried_the_face_until_it_is_dismissed(
    with_a_face: Browser, other_browser: Browser, alice: Person
) -> None:
    with_a_face.make_recovery_codes()
    for _ in range(2):
        events.record(alice, Kind.REFUSED)

    alerts = with_a_face.face("GET").json()["alerts"]
    told_to_strangers = other_browser.face("GET").json()["alerts"]
    dismissed = with_a_face.face("DELETE", "/alerts")

    assert [(alert["kind"], alert["count"]) for alert in alerts] == [("refused", 2)]
    assert told_to_strangers == []
    assert dismissed.status_code == HTTPStatus.NO_CONTENT
    assert with_a_face.face("GET").json()["alerts"] == []
    assert Event.objects.filter(person=alice, kind=Kind.REFUSED).count() == 2


def test_a_password_alone_is_told_nothing(
    with_a_face: Browser, other_browser: Browser, alice: Person
) -> None:
    with_a_face.make_recovery_codes()
    events.record(alice, Kind.REFUSED)

    other_browser.give_password(alice)

    assert other_browser.face("GET").json()["alerts"] == []
    assert other_browser.face("DELETE", "/alerts").status_code == HTTPStatus.UNAUTHORIZED
    assert with_a_face.face("GET").json()["alerts"] != []


def test_failures_of_a_login_that_ends_well_are_no_news(
    with_a_face: Browser, other_browser: Browser, alice: Person
) -> None:
    with_a_face.make_recovery_codes()
    other_browser.give_password(alice)
    capture = other_browser.start_verification().json()
    other_browser.submit(capture, FRAMES)
    row = Capture.objects.get(pk=id_of(capture))
    events.record(alice, Kind.REFUSED, attempt=row.attempt_id)
    row.move_to(State.RUNNING)
    sweeping.end(row, State.PASSED, [])

    assert other_browser.complete(capture).status_code == HTTPStatus.OK

    assert other_browser.face("GET").json()["alerts"] == []
    assert Event.objects.filter(person=alice, kind=Kind.ENTERED).count() == 1


def test_events_name_nothing_of_the_face() -> None:
    fields = {field.name for field in Event._meta.get_fields()}

    assert fields == {"id", "person", "kind", "at", "attempt", "seen_at"}
    assert not {str(kind) for kind in Kind} & {str(reason) for reason in Reason}


# Growing old ------------------------------------------------------------------------------------


def test_a_face_expires_is_erased_and_the_codes_stay(
    with_a_face: Browser, alice: Person, settings: Settings
) -> None:
    with_a_face.make_recovery_codes()
    Template.objects.update(created_at=timezone.now() - timedelta(days=100))
    sweeping.end_overdue()
    assert Template.objects.exists()

    settings.CONFIG = settings.CONFIG.model_copy(update={"face_expires_after_days": 99})
    sweeping.end_overdue()

    assert not Template.objects.exists()
    session = with_a_face.session
    assert session["second_factors"] == {"face": False, "totp": False, "recovery_codes": True}
    assert [one["kind"] for one in with_a_face.face("GET").json()["alerts"]] == ["expired"]


def test_a_face_that_is_the_only_factor_left_expires_once_there_are_codes_again(
    browser: Browser, enrolled: Person
) -> None:
    people.reset_codes(person=enrolled)
    Template.objects.update(created_at=timezone.now() - timedelta(days=1000))

    sweeping.end_overdue()

    browser.give_password(enrolled)
    assert (browser.state, browser.session["pending"]) == ("second_factor", "face")

    RecoveryCodes.activate(enrolled)
    sweeping.end_overdue()

    assert not Template.objects.exists()


def test_a_face_that_waits_for_codes_expires_without_them(
    with_a_face: Browser, alice: Person
) -> None:
    Template.objects.update(created_at=timezone.now() - timedelta(days=1000))

    sweeping.end_overdue()

    assert not Template.objects.filter(person=alice).exists()


# Budgets of captures ----------------------------------------------------------------------------


def spend_all(limit: int, spend: Callable[[], None]) -> None:
    for _ in range(limit):
        spend()
    with pytest.raises(FaceLocked) as refusal:
        spend()
    assert refusal.value.facts["retry_after"] in range(3500, 3601)


def test_a_person_has_so_many_captures_an_hour_from_wherever(alice: Person, bob: Person) -> None:
    addresses = (f"192.0.2.{number}" for number in range(256))

    spend_all(rates.OF_A_PERSON, lambda: rates.spend_capture(alice, next(addresses)))

    rates.spend_capture(bob, "192.0.2.1")
    Budget.objects.update(renews_at=timezone.now())
    rates.spend_capture(alice, "192.0.2.1")


def test_a_network_has_so_many_captures_an_hour_for_whomever(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rates, "OF_A_PERSON", 1_000)
    monkeypatch.setattr(rates, "FROM_A_NETWORK", 5)
    addresses = (f"2001:db8::{number}" for number in range(1, 100))

    spend_all(rates.FROM_A_NETWORK, lambda: rates.spend_capture(alice, next(addresses)))

    rates.spend_capture(alice, "2001:db8:1::1")


def test_an_enrolment_is_paid_for_before_the_camera_opens(browser: Browser, alice: Person) -> None:
    browser.give_password(alice)
    for _ in range(rates.OF_A_PERSON):
        rates.spend_capture(alice, "127.0.0.1")

    answer = browser.start_enrolment()

    assert (answer.status_code, answer.json()["code"]) == (429, "face_locked")
    assert not Capture.objects.exists()
    assert not FailureBudget.objects.filter(kind="face").exists()


def test_networks_are_counted_without_their_addresses(alice: Person) -> None:
    rates.spend_capture(alice, "198.51.100.7")

    stored = [bytes(row) for row in Budget.objects.values_list("subject", flat=True)]
    assert all(len(row) == 32 and b"198.51.100.7" not in row for row in stored)
    assert rates.network_of("198.51.100.7") == "198.51.100.7"
    assert rates.network_of("2001:db8:0:1:a::1") == rates.network_of("2001:db8:0:1:b::2")
    assert rates.network_of("::ffff:198.51.100.7") == "198.51.100.7"
