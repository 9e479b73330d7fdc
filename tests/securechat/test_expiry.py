"""What is over is deleted by the timetable, and nothing else."""

from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.utils import timezone

from accounts.models import DeviceToken, SocketTicket, Spending, SpentCode
from facelogin.lifecycle import Purpose, State
from facelogin.models import Attempt, Budget, Capture, Frames
from messaging.models import ClaimedKeyPackage, KeyPackage
from securechat import expiry, settings
from securechat.celery import app
from securechat.expiry import rows_due, sweep
from tests.messaging.people import Member, enrol

pytestmark = pytest.mark.django_db

LONG_AGO = timezone.now() - timedelta(days=40)
SOON = timezone.now() + timedelta(days=1)


@pytest.fixture
def alice() -> Member:
    return enrol("alice")


@pytest.fixture
def one_of_each(alice: Member) -> None:
    """One that is over and one that is not, of every kind but messages."""
    other = enrol("bob")
    for number, (owner, when) in enumerate(((alice, LONG_AGO), (other, SOON))):
        device, person, digest = owner.device, owner.person, bytes([number]) * 32
        Session.objects.create(session_key=str(number), session_data="", expire_date=when)
        token = DeviceToken.objects.create(
            device=device,
            name="",
            digest=digest,
            scopes=[],
            created_at=LONG_AGO - timedelta(days=1),
            expires_at=when,
        )
        SocketTicket.objects.create(digest=digest, token=token, expires_at=when)
        SpentCode.objects.create(person=person, code="1", expires_at=when)
        Spending.objects.create(name=str(number), renews_at=when)
        Budget.objects.create(subject=digest, renews_at=when)
        KeyPackage.objects.create(
            device=device, reference=digest, cipher_suite=1, data=b"", not_after=when
        )
        ClaimedKeyPackage.objects.create(
            claimer=device, device=device, reference=digest, is_last_resort=False, expires_at=when
        )


def test_of_each_kind_what_is_over_goes_and_the_rest_stays(one_of_each: None) -> None:
    now = timezone.now()

    done = sweep(now=now)

    assert done == {"messages": 0, **dict.fromkeys(rows_due(now), 1)}
    assert all(rows.model.objects.count() == 1 for rows in rows_due(now).values())
    assert set(sweep(now=now).values()) == {0}


def test_a_dry_run_counts_and_touches_nothing(one_of_each: None) -> None:
    said = StringIO()

    call_command("sweep", "--dry-run", stdout=said)

    assert len([line for line in said.getvalue().splitlines() if "1 due" in line]) == 8
    assert sum(sweep(now=timezone.now()).values()) == 8


def test_frames_of_faces_go_when_their_time_is_over_and_no_face_worker_runs(alice: Member) -> None:
    now = timezone.now()
    attempt = Attempt.objects.create(
        person=alice.person,
        purpose=Purpose.VERIFICATION,
        wrapped_for_browser=b"",
        expires_at=now + timedelta(minutes=15),
    )
    for expires_at in (now, now + timedelta(minutes=1)):
        capture = Capture.objects.create(
            attempt=attempt,
            nonce=bytes(16),
            challenge=[],
            state=State.QUEUED,
            created_at=now,
            expires_at=expires_at,
        )
        Frames.objects.create(capture=capture, sealed=b"sealed")

    sweep(now=now, dry_run=True)
    assert Frames.objects.count() == 2

    sweep(now=now)
    assert [frames.capture_id for frames in Frames.objects.all()] == [capture.pk]

    Attempt.objects.update(expires_at=now)
    sweep(now=now)
    assert not Attempt.objects.exists()


def test_many_are_deleted_a_few_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(expiry, "AT_A_TIME", 3)
    for number in range(8):
        Session.objects.create(session_key=str(number), session_data="", expire_date=LONG_AGO)

    assert sweep(now=timezone.now())["sessions"] == 8


def test_the_timetable_names_tasks_that_exist() -> None:
    app.loader.import_default_modules()

    assert {line["task"] for line in settings.CELERY_BEAT_SCHEDULE.values()} <= app.tasks.keys()
