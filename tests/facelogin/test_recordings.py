"""Frames are shown once: the same ones again are known, however soon they come."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from accounts.models import Person
from facelogin.lifecycle import State
from facelogin.models import Capture, Recording
from facelogin.services import attempts, captures, recordings, templates
from tests.facelogin.browsers import PASSWORD

FRAMES = [bytes([number]) * 40 for number in range(30)]
OTHERS = [bytes([number]) * 41 for number in range(30)]


def running(person: Person) -> Capture:
    """A capture that the worker judges at the moment."""
    attempt, _secret = attempts.begin_enrolment(person, PASSWORD)
    capture = captures.start_capture(attempt, address="127.0.0.1")
    capture.state = State.RUNNING
    capture.save(update_fields=["state"])
    return capture


@pytest.mark.django_db
def test_frames_of_an_earlier_capture_are_known_for_their_person_only(
    alice: Person, bob: Person
) -> None:
    of_alice = running(alice)
    assert not recordings.remember(of_alice, FRAMES)

    assert recordings.remember(of_alice, FRAMES)
    assert not recordings.remember(of_alice, OTHERS)
    assert not recordings.remember(running(bob), FRAMES)


@pytest.mark.django_db
def test_frames_of_a_capture_that_a_withdrawal_ended_are_not_remembered(alice: Person) -> None:
    capture = running(alice)
    templates.erase_face(alice)

    recordings.remember(capture, FRAMES)

    assert not Recording.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", range(5))
def test_of_two_captures_at_once_with_the_same_frames_one_is_new(
    alice: Person, bob: Person, attempt: int
) -> None:
    together = Barrier(4)

    def judge(capture: Capture) -> tuple[str, bool]:
        try:
            together.wait()
            return capture.attempt.person.username, recordings.remember(capture, FRAMES)
        finally:
            connection.close()

    begun = [running(person) for person in (alice, alice, bob, bob)]
    with ThreadPoolExecutor(4) as pool:
        shown = sorted(pool.map(judge, begun))

    assert shown == [("alice", False), ("alice", True), ("bob", False), ("bob", True)]
    assert Recording.objects.count() == 4
