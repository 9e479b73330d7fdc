"""Remembers for some weeks which frames an account has shown, to refuse them a second time."""

from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import Person
from facelogin import freshness, sealing
from facelogin.lifecycle import State
from facelogin.models import Capture, Recording

REMEMBERED = timedelta(days=30)


def remember(capture: Capture, frames: Sequence[bytes]) -> bool:
    """Remember the frames of a capture; return whether they were shown before.

    One at a time for each person: of two captures with the same frames the second knows the first,
    and of one that ended meanwhile nothing is remembered: a withdrawal may have erased the rest.
    """
    person = capture.attempt.person
    key = sealing.digest_key(settings.SERVER_SECRET, person.pk.bytes)
    digests = freshness.digests_of(frames, key)
    forget_old()
    with transaction.atomic():
        # SQLite has taken the one writer's place by now.
        Person.objects.select_for_update(no_key=True).get(pk=person.pk)
        if not Capture.objects.filter(pk=capture.pk, state=State.RUNNING).exists():
            return False
        earlier = Recording.objects.filter(person=person).values_list("digests", flat=True)
        shown = freshness.was_shown(digests, [bytes(one) for one in earlier])
        Recording.objects.create(person=person, digests=digests, judged_at=timezone.now())
    return shown


def forget_old() -> None:
    Recording.objects.filter(judged_at__lt=timezone.now() - REMEMBERED).delete()
