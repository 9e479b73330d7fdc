"""Counts wrong tries; each change is one statement, so that a thousand at once count as many.

A try is paid for before it is made and paid back when it did not fail: guesses made at the same
time cannot share one place.
"""

from datetime import datetime, timedelta

from django.db.models import Case, DateTimeField, F, Q, QuerySet, Value, When
from django.db.models.functions import Greatest
from django.utils import timezone

from accounts.models import Person
from facelogin.errors import FaceLocked
from facelogin.models import FailureBudget

FREE_TRIES = 5
TRIES_IN_ALL = 50
WAIT = timedelta(seconds=30)

Kind = FailureBudget.Kind


def spend_try(person: Person, kind: Kind) -> None:
    """Pay for one try, or raise :class:`FaceLocked` and say how long to wait."""
    now = timezone.now()
    FailureBudget.objects.get_or_create(person=person, kind=kind)
    paid = (
        _budget(person, kind)
        .filter(in_all__lt=TRIES_IN_ALL)
        .filter(Q(next_try_at__isnull=True) | Q(next_try_at__lte=now))
        .update(
            in_a_row=F("in_a_row") + 1,
            in_all=F("in_all") + 1,
            next_try_at=Case(
                When(in_a_row__gte=FREE_TRIES - 1, then=Value(now + WAIT)),
                default=None,
                output_field=DateTimeField(),
            ),
        )
    )
    if not paid:
        raise FaceLocked(retry_after=_seconds_to_wait(person, kind, now))


def pay_back(person: Person, kind: Kind) -> None:
    """The try taught nobody anything: as if it had not been made, but for the wait."""
    _budget(person, kind).update(
        in_a_row=Greatest(F("in_a_row"), 1) - 1, in_all=Greatest(F("in_all"), 1) - 1
    )


def succeed(person: Person, kind: Kind) -> None:
    """The try was right: the row of failures ends, but those of the account stay counted."""
    _budget(person, kind).update(in_a_row=0, in_all=Greatest(F("in_all"), 1) - 1, next_try_at=None)


def forgive(person: Person) -> None:
    """A login without the face: what was failed before counts no longer."""
    FailureBudget.objects.filter(person=person).update(in_a_row=0, in_all=0, next_try_at=None)


def is_exhausted(person: Person) -> bool:
    """Face is off until a login without it; a wait of 30 seconds is not meant."""
    return _budget(person, Kind.FACE).filter(in_all__gte=TRIES_IN_ALL).exists()


def _budget(person: Person, kind: Kind) -> QuerySet[FailureBudget]:
    return FailureBudget.objects.filter(person=person, kind=kind)


def _seconds_to_wait(person: Person, kind: Kind, now: datetime) -> int | None:
    """``None``: waiting will not help."""
    budget = FailureBudget.objects.get(person=person, kind=kind)
    if budget.in_all >= TRIES_IN_ALL or budget.next_try_at is None:
        return None
    return max(1, round((budget.next_try_at - now).total_seconds()))
