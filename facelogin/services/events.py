"""Writes down what happened to a face, and shows its owner what they should know of."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from accounts.models import Person
from facelogin.models import Event

Kind = Event.Kind
ALERTING = (Kind.REFUSED, Kind.ERASED, Kind.EXPIRED)


@dataclass(frozen=True)
class Alert:
    """Something of one kind that its owner has not seen: how often, and when last."""

    kind: str
    count: int
    latest_at: datetime


def record(person: Person, kind: Kind, *, attempt: UUID | None = None) -> None:
    Event.objects.create(person=person, kind=kind, attempt=attempt)


def explain_failures(attempt: UUID) -> None:
    """This login ended well with the face: its own failures are no news to whoever made them."""
    Event.objects.filter(attempt=attempt, seen_at=None).update(seen_at=timezone.now())


def alerts_of(person: Person) -> list[Alert]:
    """What happened since the person last looked, newest first."""
    unseen = Event.objects.filter(person=person, kind__in=ALERTING, seen_at=None)
    found: dict[str, Alert] = {}
    for event in unseen:
        before = found.get(event.kind)
        count = before.count + 1 if before else 1
        found[event.kind] = Alert(event.kind, count, before.latest_at if before else event.at)
    return list(found.values())


def dismiss_alerts(person: Person) -> None:
    Event.objects.filter(person=person, seen_at=None).update(seen_at=timezone.now())
