"""When many come at once: who can be judged in time begins, the others hear when to come back."""

from datetime import timedelta
from http import HTTPStatus
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.models import Person
from facelogin.errors import FaceBusy
from facelogin.lifecycle import Purpose, State
from facelogin.models import Attempt, Capture, Judgement
from facelogin.services import load
from tests.facelogin.browsers import Browser

pytestmark = pytest.mark.django_db

FULL = round(load.SLOWEST * load.LONGEST_WAIT) + 1


def bring(count: int, state: State = State.QUEUED, *, person: Person | None = None) -> None:
    """So many captures under way, of as many people if not of one."""
    now = timezone.now()
    soon = now + timedelta(minutes=1)
    people = [person] * count if person else make_people(count)
    attempts = Attempt.objects.bulk_create(
        Attempt(person=one, purpose=Purpose.VERIFICATION, wrapped_for_browser=b"", expires_at=soon)
        for one in people
    )
    Capture.objects.bulk_create(
        Capture(
            attempt=attempt, nonce=b"", challenge=[], created_at=now, expires_at=soon, state=state
        )
        for attempt in attempts
    )


def make_people(count: int) -> list[Person]:
    return Person.objects.bulk_create(
        Person(username=f"person-{uuid4().hex}", display_name="Somebody") for _ in range(count)
    )


@pytest.mark.parametrize("state", [State.OPEN, State.QUEUED, State.RUNNING])
def test_who_would_wait_too_long_is_told_so_and_when_to_come_back(state: State) -> None:
    bring(FULL - 1, state)
    load.check_room()
    bring(1, state)

    with pytest.raises(FaceBusy) as refusal:
        load.check_room()

    assert refusal.value.facts["retry_after"] in range(2, 6)


def test_one_person_with_many_windows_does_not_keep_the_others_out(alice: Person) -> None:
    bring(2 * FULL, State.OPEN, person=alice)
    load.check_room()

    bring(FULL - 1, State.OPEN)

    with pytest.raises(FaceBusy):
        load.check_room()


def test_nobody_joins_a_queue_that_stands_still() -> None:
    bring(1)
    load.check_room()

    Capture.objects.update(queued_at=timezone.now() - load.SLOW - timedelta(seconds=1))

    with pytest.raises(FaceBusy):
        load.check_room()


def bring_waiting(count: int, seconds: float) -> None:
    bring(count)
    Capture.objects.update(queued_at=timezone.now() - timedelta(seconds=seconds))


def judge(count: int, *, seconds_ago: float) -> None:
    at = timezone.now() - timedelta(seconds=seconds_ago)
    Judgement.objects.bulk_create(Judgement(queued_at=at, decided_at=at) for _ in range(count))


def test_workers_that_are_slow_while_others_wait_are_taken_at_their_pace() -> None:
    bring(10)
    judge(1, seconds_ago=2)
    load.check_room()

    Capture.objects.update(queued_at=timezone.now() - timedelta(seconds=10))

    with pytest.raises(FaceBusy):
        load.check_room()


def test_workers_that_had_nothing_to_do_before_are_not_thought_slow() -> None:
    """A minute ago nobody came; since somebody waits, one is judged each second."""
    bring_waiting(15, seconds=8)
    judge(8, seconds_ago=1)

    load.check_room()

    Judgement.objects.update(decided_at=timezone.now() - timedelta(seconds=20))
    with pytest.raises(FaceBusy):
        load.check_room()


@pytest.mark.parametrize(("count", "seconds"), [(FULL, 0), (40, 6), (5, 10), (1, 20), (500, 1)])
def test_nobody_is_sent_away_for_longer_than_a_person_would_wait(
    count: int, seconds: float
) -> None:
    bring_waiting(count, seconds)

    with pytest.raises(FaceBusy) as refusal:
        load.check_room()

    assert refusal.value.facts["retry_after"] in range(1, load.LATEST_RETRY + 1)


def test_what_is_decided_keeps_nobody_waiting() -> None:
    bring(FULL, State.REFUSED)

    load.check_room()


def test_fast_workers_make_room_for_more() -> None:
    bring(2 * FULL)
    now = timezone.now()
    for _ in range(120):
        Judgement.objects.create(queued_at=now, decided_at=now)

    load.check_room()

    Judgement.objects.update(decided_at=now - timedelta(minutes=2))
    with pytest.raises(FaceBusy):
        load.check_room()


def test_a_page_is_told_before_the_camera_opens(browser: Browser, alice: Person) -> None:
    browser.give_password(alice)
    bring(FULL)

    answer = browser.start_enrolment()

    assert (answer.status_code, answer.json()["code"]) == (
        HTTPStatus.SERVICE_UNAVAILABLE,
        "face_busy",
    )
    assert answer.json()["retry_after"] > 0
