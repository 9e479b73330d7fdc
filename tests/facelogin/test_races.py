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
from facelogin import access
from facelogin.models import Attempt, Capture, Consent, Preview, Template
from facelogin.services import attempts, captures, events, keys, load, templates
from facelogin.services.events import Kind
from securechat_sdk.wire.errors import NotFound
from tests.facelogin.browsers import PASSWORD, Browser, id_of
from tests.facelogin.pictures import GOOD
from tests.facelogin.routes import FRAMES, give_alternative, pass_as_the_worker_does
from tests.facelogin.test_standing import enrol_as_the_worker_does

pytestmark = pytest.mark.django_db(transaction=True)

MEANWHILE = 0.7  # seconds: what the other one takes when it does not wait


class Pause:
    """Holds the first of two in the middle of what it does, until the other has had its time."""

    def __init__(self) -> None:
        self._reached = threading.Event()

    def here(self) -> None:
        if not self._reached.is_set():
            self._reached.set()
            time.sleep(MEANWHILE)

    def wait(self) -> None:
        assert self._reached.wait(30)


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


def test_a_capture_of_an_attempt_that_has_ended_does_not_start(enrolled: Person) -> None:
    attempt, _secret = attempts.begin_verification(enrolled, PASSWORD)
    templates.erase_face(enrolled)

    with pytest.raises(NotFound):
        captures.start_capture(attempt, address="127.0.0.1")


def test_of_two_captures_started_at_once_one_is_left(
    enrolled: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt, _secret = attempts.begin_verification(enrolled, PASSWORD)
    check_room = load.check_room
    pause = Pause()

    def slowly() -> None:
        check_room()
        pause.here()

    def start() -> None:
        captures.start_capture(attempt, address="127.0.0.1")

    def start_too() -> None:
        pause.wait()
        start()

    monkeypatch.setattr(load, "check_room", slowly)

    at_once(start, start_too)

    assert Capture.objects.count() == 1


@pytest.mark.skipif(connection.vendor != "postgresql", reason="says something about PostgreSQL")
def test_two_first_enrolments_begun_at_once_record_one_consent(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrap, create = templates.wrap_template_key, Consent.objects.create
    wrapped = threading.Barrier(2)

    def in_step(*args: Any) -> templates.WrappedKey:
        key = wrap(*args)
        wrapped.wait(30)
        return key

    def slowly(**fields: Any) -> Consent:
        time.sleep(MEANWHILE)
        return create(**fields)

    monkeypatch.setattr(templates, "wrap_template_key", in_step)
    monkeypatch.setattr(Consent.objects, "create", slowly)

    at_once(*[lambda: attempts.begin_enrolment(alice, PASSWORD)] * 2)

    assert Consent.objects.count() == 1
    assert Attempt.objects.count() == 2


def test_a_login_that_has_its_template_goes_on_while_the_servers_key_changes(
    enrolled: Person,
) -> None:
    template = access.template_for(enrolled)

    keys.rotate()

    assert templates.template_key(template, PASSWORD)


@pytest.mark.parametrize("ends", ["withdrawal", "password", "capture", "decline"])
def test_what_ends_a_recording_takes_the_frame_that_is_being_looked_at(
    browser: Browser, enrolled: Person, monkeypatch: pytest.MonkeyPatch, ends: str
) -> None:
    give_alternative(enrolled)
    browser.give_password(enrolled)
    capture = browser.start_verification().json()
    attempt = Attempt.objects.get()
    save, pause = Preview.save, Pause()

    def slowly(preview: Preview, **options: Any) -> None:
        save(preview, **options)
        pause.here()

    monkeypatch.setattr(Preview, "save", slowly)
    endings: dict[str, Callable[[], Any]] = {
        "withdrawal": lambda: templates.erase_face(enrolled),
        "password": lambda: templates.rewrap(enrolled, PASSWORD, "another sentence altogether"),
        "capture": lambda: captures.start_capture(attempt, address="127.0.0.1"),
        "decline": lambda: browser.face("POST", "/decline"),
    }

    def end() -> None:
        pause.wait()
        endings[ends]()

    at_once(lambda: browser.preview(capture, GOOD), end)

    assert not Capture.objects.filter(pk=id_of(capture)).exists()
    assert not Preview.objects.exists()
