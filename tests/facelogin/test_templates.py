"""Sealed templates: keys that change, templates that learn, and bytes that are gone."""

import os
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from accounts.errors import SealBroken
from accounts.models import Person
from facelogin.errors import FaceNotEnrolled
from facelogin.lifecycle import State
from facelogin.matching import distance_to_enrolment, refreshed
from facelogin.models import Attempt, Capture, Event, Frames, ServerKey, Template
from facelogin.sealing import CannotOpenError
from facelogin.services import attempts, captures, keys, sweeping, templates
from tests.facelogin.browsers import PASSWORD, Browser, id_of
from tests.facelogin.pictures import GOOD

NEW = "an entirely different sentence"
EMBEDDINGS = b"embedding" * 300


@pytest.fixture
def template(alice: Person) -> Template:
    attempt, secret = attempts.begin_enrolment(alice, PASSWORD)
    key = attempts.key_for_browser(attempt, secret)
    sealed = key.seal(EMBEDDINGS, about=templates.about_template(alice))
    made = templates.install_template(attempt, sealed, counts=True)
    attempt.delete()
    return made


def opened(template: Template, password: str) -> bytes:
    key = templates.template_key(template, password)
    return key.open(bytes(template.sealed), about=templates.about_template(template.person))


# The server's key -------------------------------------------------------------------------------


@pytest.mark.django_db
def test_every_template_opens_under_the_new_key_and_the_old_one_is_gone(
    template: Template, bob: Person, capsys: pytest.CaptureFixture[str]
) -> None:
    attempts.begin_enrolment(bob, PASSWORD)  # under way meanwhile
    old = template.server_key

    call_command("face", "rotate-key")

    assert capsys.readouterr().out.startswith("2 moved")
    template.refresh_from_db()
    assert template.server_key != old
    assert opened(template, PASSWORD) == EMBEDDINGS
    assert [key.pk for key in ServerKey.objects.all()] == [template.server_key.pk]


@pytest.mark.django_db
def test_while_the_key_changes_both_are_read(template: Template, bob: Person) -> None:
    keys.make_key()  # and then the command is broken off

    attempt, _ = attempts.begin_enrolment(bob, PASSWORD)

    assert attempt.server_key != template.server_key
    assert opened(template, PASSWORD) == EMBEDDINGS
    assert keys.rotate() == 2
    assert ServerKey.objects.count() == 1


@pytest.mark.django_db
def test_neither_the_password_nor_the_servers_secret_opens_a_template_alone(
    template: Template, settings: Settings
) -> None:
    assert opened(template, PASSWORD) == EMBEDDINGS

    with pytest.raises(CannotOpenError):
        opened(template, NEW)
    settings.SERVER_SECRET = bytes(32)
    with pytest.raises(SealBroken):
        opened(template, PASSWORD)


@pytest.mark.django_db
def test_a_key_in_another_row_opens_nothing(template: Template) -> None:
    other = keys.make_key()
    ServerKey.objects.filter(pk=other.pk).update(sealed=template.server_key.sealed)

    with pytest.raises(SealBroken):
        keys.opened(ServerKey.objects.get(pk=other.pk))


# Models and refreshing --------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_face_of_another_model_makes_way_for_the_alternative(
    template: Template, browser: Browser
) -> None:
    Template.objects.update(model="arcface-onnx-v1")

    with pytest.raises(FaceNotEnrolled):
        attempts.begin_verification(template.person, PASSWORD)
    browser.give_password(template.person)

    assert browser.state == "second_factor"
    assert browser.start_verification().json()["code"] == "face_not_enrolled"


def test_however_often_it_is_refreshed_half_of_the_template_is_the_enrolment() -> None:
    enrolled = [np.zeros(128)] * 3
    strange = [np.full(128, 0.1)] * 3

    template: Any = enrolled
    for _ in range(50):
        template = refreshed(template, strange)

    assert len(template) == 6
    assert distance_to_enrolment(enrolled, template) == pytest.approx(
        distance_to_enrolment(strange, template)
    )


@pytest.mark.django_db
@pytest.mark.parametrize("is_wanted", [True, False])
@pytest.mark.parametrize("days", [1, 8])
def test_a_template_learns_when_the_operator_wants_it_and_it_has_been_a_week(
    template: Template, settings: Settings, *, is_wanted: bool, days: int
) -> None:
    settings.CONFIG = settings.CONFIG.model_copy(update={"face_refresh": is_wanted})
    template.created_at = timezone.now() - timedelta(days=days)

    assert templates.may_refresh(template) is (is_wanted and days > 7)


@pytest.fixture
def learning(template: Template, browser: Browser) -> dict[str, Any]:
    """A capture that has passed with ease, and would refresh the template."""
    browser.give_password(template.person)
    capture: dict[str, Any] = browser.start_verification().json()
    browser.submit(capture, [GOOD] * 30)
    row = Capture.objects.get(pk=id_of(capture))
    key = templates.template_key(template, PASSWORD)
    learnt = key.seal(b"learnt", about=templates.about_template(template.person))
    row.move_to(State.RUNNING)
    sweeping.end(row, State.PASSED, [], learnt)
    return capture


@pytest.mark.django_db
def test_what_a_login_has_learnt_is_kept_when_the_login_is_completed(
    learning: dict[str, Any], browser: Browser
) -> None:
    assert opened(Template.objects.get(), PASSWORD) == EMBEDDINGS

    browser.complete(learning)

    assert opened(Template.objects.get(), PASSWORD) == b"learnt"
    assert Event.objects.filter(kind=Event.Kind.REFRESHED).count() == 1


@pytest.mark.django_db
def test_a_login_begun_with_the_face_before_neither_passes_nor_spoils_the_new_one(
    learning: dict[str, Any], template: Template, browser: Browser
) -> None:
    attempt, secret = attempts.begin_enrolment(template.person, PASSWORD)
    about = templates.about_template(template.person)
    sealed = attempts.key_for_browser(attempt, secret).seal(b"new face", about=about)

    templates.install_template(attempt, sealed, counts=True)

    assert browser.complete(learning).json()["code"] == "not_found"
    assert browser.state == "second_factor"
    assert opened(Template.objects.get(), PASSWORD) == b"new face"


# Withdrawal -------------------------------------------------------------------------------------


Raw = Callable[[], bytes]


@pytest.fixture
def raw(transactional_db: None) -> Raw:
    """What a thief of the disk has: SQLite's file and its log, PostgreSQL's tables."""
    if connection.vendor == "sqlite":
        file = Path(str(connection.settings_dict["NAME"]))
        return lambda: _read(file.with_name(file.name + end) for end in ("", "-wal", "-journal"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('data_directory') || '/base'")
        folder = Path(cursor.fetchone()[0])
    if not os.access(folder, os.R_OK):
        pytest.skip("the files of this PostgreSQL are not to be read from here")
    return lambda: _read_tables(folder)


def _read_tables(folder: Path) -> bytes:
    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")  # what is in memory only is written, too
    return _read(sorted(folder.glob("*/*")))


def _read(files: Iterable[Path]) -> bytes:
    return b"".join(file.read_bytes() for file in files if file.is_file())


@pytest.mark.django_db(transaction=True)
def test_after_a_withdrawal_no_byte_of_the_face_is_in_the_files_of_the_database(
    raw: Raw, template: Template, bob: Person
) -> None:
    person = template.person
    attempts.begin_enrolment(bob, PASSWORD)  # a row that stays in a table that is cleared
    secrets = {
        "template": bytes(template.sealed)[20:60],
        "wrapped key": bytes(template.wrapped_key)[10:50],
        "salt": bytes(template.key_salt),
    }
    before = raw()
    assert [name for name, secret in secrets.items() if secret not in before] == []

    templates.erase_face(person)

    after = raw()
    assert [name for name, secret in secrets.items() if secret in after] == []
    in_a_row = person.pk.hex.encode() if connection.vendor == "sqlite" else person.pk.bytes
    assert in_a_row in after  # they were the right files
    assert Attempt.objects.get().person == bob


@pytest.mark.django_db(transaction=True)
def test_after_the_verdict_no_byte_of_the_frames_is_in_the_files_of_the_database(
    raw: Raw, template: Template, browser: Browser
) -> None:
    browser.give_password(template.person)
    capture = browser.start_verification().json()
    browser.submit(capture, [GOOD] * 30)
    sealed = bytes(Frames.objects.get().sealed)[100:140]
    assert sealed in raw()

    captures.fail_capture(id_of(capture))

    assert sealed not in raw()


@pytest.mark.django_db(transaction=True)
def test_frames_that_wait_are_not_erased_with_those_that_are_judged(
    template: Template, bob: Person, browser: Browser, other_browser: Browser
) -> None:
    browser.give_password(template.person)
    judged = browser.start_verification().json()
    browser.submit(judged, [GOOD] * 30)
    other_browser.give_password(bob)
    waiting = other_browser.start_enrolment().json()
    other_browser.submit(waiting, [GOOD] * 30)

    captures.fail_capture(id_of(judged))

    assert Frames.objects.get().capture_id == id_of(waiting)
