"""What others are told, once it is true for everybody: after the commit."""

from functools import partial
from uuid import UUID

from django.db import transaction

from messaging import doorbell
from messaging.doorbell import Ring, What
from messaging.models import Entry


def entry_appended(entry: Entry) -> None:
    _publish_on_commit(Ring(What.LOG, entry.conversation_id, entry.position))


def delivery_advanced(conversation_id: UUID) -> None:
    _publish_on_commit(Ring(What.MARKS, conversation_id))


def device_has_news(device_id: UUID) -> None:
    """A Welcome waits for the device, it is in a new conversation, or its key packages run low."""
    _publish_on_commit(Ring(What.DEVICE, device_id))


def device_was_revoked(device_id: UUID, **_signal: object) -> None:
    _publish_on_commit(Ring(What.REVOCATIONS, device_id))


def _publish_on_commit(ring: Ring) -> None:
    # robust: a doorbell that is out of order fails nobody's command; polls make up for it.
    transaction.on_commit(partial(doorbell.ring, ring), robust=True)
