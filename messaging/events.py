"""What others are told, once it is true for everybody: after the commit."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from uuid import UUID

from django.db import transaction

from messaging import doorbell
from messaging.doorbell import Ring, What
from messaging.metrics import ACCEPTED
from messaging.models import Entry
from securechat_sdk.wire.frames import EntryAppended


def entry_appended(entry: Entry) -> None:
    transaction.on_commit(ACCEPTED.labels(entry.kind).inc, robust=True)
    _publish_on_commit(Ring(What.LOG, entry.conversation_id, entry.position))


def logs_moved(last_positions: Mapping[UUID, int], committed: Sequence[EntryAppended] = ()) -> None:
    """Tell how far logs have come, and what has been added if that is at hand."""
    rings = [Ring(What.LOG, room, last) for room, last in last_positions.items()]
    _publish_on_commit(*rings, committed=committed)


def marks_moved(conversation_ids: Iterable[UUID]) -> None:
    _publish_on_commit(*(Ring(What.MARKS, room) for room in conversation_ids))


def failure_reported(conversation_id: UUID) -> None:
    _publish_on_commit(Ring(What.FAILURES, conversation_id))


def device_has_news(device_id: UUID) -> None:
    """A Welcome waits for the device, it is in a new conversation, or its key packages run low."""
    _publish_on_commit(Ring(What.DEVICE, device_id))


def device_was_revoked(device_id: UUID, **_signal: object) -> None:
    _publish_on_commit(Ring(What.REVOCATIONS, device_id))


def access_ended(**_signal: object) -> None:
    _publish_on_commit(Ring(What.ACCESS, UUID(int=0)))


def _publish_on_commit(*rings: Ring, committed: Sequence[EntryAppended] = ()) -> None:
    # robust: a doorbell that is out of order fails nobody's command; polls make up for it.
    transaction.on_commit(partial(doorbell.ring, *rings, committed=committed), robust=True)
