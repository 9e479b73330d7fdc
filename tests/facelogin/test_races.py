"""What happens to a face while something else happens to it: nothing is left, nothing fails."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any

import pytest
from django.db import connection

from accounts.models import Person
from facelogin.models import Consent, Template
from facelogin.services import events
from facelogin.services.events import Kind
from tests.facelogin.browsers import Browser
from tests.facelogin.routes import FRAMES, pass_as_the_worker_does
from tests.facelogin.test_standing import enrol_as_the_worker_does

pytestmark = pytest.mark.django_db(transaction=True)

MEANWHILE = 0.7  # seconds: what the other one takes when it does not wait


class Pause:
    """Holds one of two in the middle of what it does, until the other has had its time."""

    def __init__(self) -> None:
        self._reached = threading.Event()

    def here(self) -> None:
        self._reached.set()
        time.sleep(MEANWHILE)

    def wait(self) -> None:
        assert self._reached.wait(5)


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Each in a thread and a connection of its own; what one raises is raised here."""

    def run(act: Callable[[], Any]) -> Any:
        try:
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def pause_before_event(pause: Pause, kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    record = events.record

    def slowly(person: Person, happened: Kind, **options: Any) -> None:
        if happened == kind:
            pause.here()
        record(person, happened, **options)

    monkeypatch.setattr(events, "record", slowly)


def test_a_withdrawal_erases_the_face_that_is_being_installed(
    browser: Browser, other_browser: Browser, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser.give_password(alice)
    other_browser.give_password(alice)
    capture = enrol_as_the_worker_does(browser)
    pause = Pause()
    pause_before_event(pause, Kind.ENROLLED, monkeypatch)

    def withdraw() -> int:
        pause.wait()
        return int(other_browser.face("DELETE").status_code)

    answers = at_once(lambda: browser.complete(capture).status_code, withdraw)

    assert answers == [HTTPStatus.OK, HTTPStatus.OK]
    assert not Template.objects.exists()
    assert not Consent.objects.filter(withdrawn_at=None).exists()


def test_a_login_is_completed_while_the_face_is_enrolled_anew(
    browser: Browser, other_browser: Browser, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser.give_password(alice)
    browser.complete(enrol_as_the_worker_does(browser))
    browser.make_recovery_codes()
    other_browser.give_password(alice)
    login = other_browser.start_verification().json()
    assert other_browser.submit(login, FRAMES).status_code == HTTPStatus.ACCEPTED
    pass_as_the_worker_does(login)
    enrolment = enrol_as_the_worker_does(browser)
    pause = Pause()
    pause_before_event(pause, Kind.ENTERED, monkeypatch)

    def enrol() -> int:
        pause.wait()
        return int(browser.complete(enrolment).status_code)

    answers = at_once(lambda: other_browser.complete(login).status_code, enrol)

    assert answers == [HTTPStatus.OK, HTTPStatus.OK]
    assert browser.state == other_browser.state == "no_device"
