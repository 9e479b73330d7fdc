"""How far each device has come."""

from uuid import UUID

from accounts.models import Device
from messaging.services.batches import Mark
from messaging.services.messages import place


def mark_delivered(*, device: Device, conversation_id: UUID, position: int) -> int:
    """Move the device's mark forward, never back; return where it stands."""
    mark = Mark(device_id=device.pk, conversation_id=conversation_id, position=position)
    return place(mark).position
