"""Frames are shown once: the same ones again are known, however soon they come."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from accounts.models import Person
from facelogin.models import Recording
from facelogin.services import recordings

FRAMES = [bytes([number]) * 40 for number in range(30)]
OTHERS = [bytes([number]) * 41 for number in range(30)]


@pytest.mark.django_db
def test_frames_of_an_earlier_capture_are_known_for_their_person_only(
    alice: Person, bob: Person
) -> None:
    assert not recordings.remember(alice, FRAMES)

    assert recordings.remember(alice, FRAMES)
    assert not recordings.remember(alice, OTHERS)
    assert not recordings.remember(bob, FRAMES)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", range(5))
def test_of_two_captures_at_once_with_the_same_frames_one_is_new(
    alice: Person, bob: Person, attempt: int
) -> None:
    together = Barrier(4)

    def judge(person: Person) -> tuple[str, bool]:
        try:
            together.wait()
            return person.username, recordings.remember(person, FRAMES)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        shown = sorted(pool.map(judge, [alice, alice, bob, bob]))

    assert shown == [("alice", False), ("alice", True), ("bob", False), ("bob", True)]
    assert Recording.objects.count() == 4
