"""Messages whose time is over lose their data here and keep their place: the log has no gap.

Commits and proposals stay: who has not seen them could not go on, and nobody wrote anything in
them. Everything is done in short transactions with pauses between them, so that what is being sent
meanwhile waits for one of them at most.
"""

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, OuterRef, Q, QuerySet, Subquery

from accounts.models import Device
from messaging.access import acting_device, conversation_for
from messaging.models import Conversation, Entry

AT_A_TIME = 200
PAUSE_SECONDS = 0.02

Pause = Callable[[float], None]


@transaction.atomic
def limit_retention(
    *, device: Device, conversation_id: UUID, retention_seconds: int | None
) -> None:
    """Say how long the messages of a conversation are kept; any of its devices may."""
    conversation = conversation_for(acting_device(device.pk), conversation_id, lock=True)
    conversation.retention_seconds = retention_seconds
    conversation.save(update_fields=["retention_seconds"])


def count_due(*, now: datetime) -> int:
    """How many messages would be erased."""
    count = Entry.objects.filter(expires_at__lte=now).count()
    for room in _due_rooms(now):
        following = Entry.objects.filter(conversation=room, position__gt=room.erased_position)
        old = _with_data(following.filter(created_at__lte=_oldest_kept(room, now)))
        count += old.filter(Q(expires_at=None) | Q(expires_at__gt=now)).count()
    return count


def erase_due(*, now: datetime, pause: Pause = time.sleep) -> int:
    """Erase every message whose lifetime is over, or that is older than is kept."""
    erased = 0
    for steps in (_erase_expired(now), _erase_old(now)):
        for step in steps:
            erased += step
            pause(PAUSE_SECONDS)
    return erased


def _erase_expired(now: datetime) -> Iterator[int]:
    expired = Entry.objects.filter(expires_at__lte=now).order_by("expires_at")
    while due := list(expired.values_list("pk", flat=True)[:AT_A_TIME]):
        yield _erase(Entry.objects.filter(pk__in=due))


def _erase_old(now: datetime) -> Iterator[int]:
    for room in _due_rooms(now):
        while (before := room.erased_position) < room.last_position:
            yield _erase_next(room, now)
            if room.erased_position == before:
                break


@transaction.atomic
def _erase_next(room: Conversation, now: datetime) -> int:
    """Go on in the conversation from where it was left; return how many were erased."""
    following = Entry.objects.filter(conversation=room, position__gt=room.erased_position)
    reached = room.erased_position
    times = following.order_by("position").values_list("position", "created_at")
    for position, created_at in times[:AT_A_TIME]:
        if created_at > _oldest_kept(room, now):
            break
        reached = position
    erased = _erase(_with_data(following.filter(position__lte=reached)))
    # Last in the transaction: whoever sends in this conversation waits for this row.
    Conversation.objects.filter(pk=room.pk).update(erased_position=reached)
    room.erased_position = reached
    return erased


def _erase(entries: QuerySet[Entry]) -> int:
    return entries.update(data=b"", expires_at=None)


def _with_data(entries: QuerySet[Entry]) -> QuerySet[Entry]:
    return entries.filter(kind=Entry.Kind.MESSAGE).exclude(data=b"")


def _due_rooms(now: datetime) -> list[Conversation]:
    """Those whose first message that is left is too old: one look into an index for each."""
    first = Entry.objects.filter(
        conversation=OuterRef("pk"), position=OuterRef("erased_position") + 1
    )
    rooms = Conversation.objects.filter(last_position__gt=F("erased_position"))
    rooms = rooms.annotate(oldest=Subquery(first.values("created_at")[:1])).order_by("pk")
    limited = ~Q(retention_seconds=None)
    if settings.CONFIG.retention_days is not None:
        limited |= Q(oldest__lte=now - timedelta(days=settings.CONFIG.retention_days))
    return [room for room in rooms.filter(limited) if room.oldest <= _oldest_kept(room, now)]


def _oldest_kept(room: Conversation, now: datetime) -> datetime:
    """The shorter of the two limits counts; call it for a conversation that has one."""
    days, seconds = settings.CONFIG.retention_days, room.retention_seconds
    limits = [
        *([timedelta(days=days)] if days is not None else []),
        *([timedelta(seconds=seconds)] if seconds is not None else []),
    ]
    return now - min(limits)
