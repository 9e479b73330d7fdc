"""How far each device has come."""

from uuid import UUID

from accounts.services.callers import Caller
from messaging.services.batches import Mark
from messaging.services.messages import place


def mark_delivered(*, caller: Caller, conversation_id: UUID, position: int) -> int:
    """Move the device's mark forward, never back; return where it stands."""
    mark = Mark(caller=caller, conversation_id=conversation_id, position=position)
    return place(mark).position
