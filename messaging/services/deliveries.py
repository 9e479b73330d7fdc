"""How far each device has come."""

from uuid import UUID

from django.db import transaction

from accounts.models import Device
from messaging import events
from messaging.access import acting_device, membership_for
from messaging.errors import PositionAhead
from messaging.models import Membership


@transaction.atomic
def mark_delivered(*, device: Device, conversation_id: UUID, position: int) -> int:
    """Move the device's mark forward, never back; return where it stands."""
    membership = membership_for(acting_device(device.pk), conversation_id)
    last_position = membership.conversation.last_position
    if position > last_position:
        raise PositionAhead(last_position=last_position)
    behind = Membership.objects.filter(pk=membership.pk, delivered_position__lt=position)
    if not behind.update(delivered_position=position):
        return membership.delivered_position
    events.delivery_advanced(conversation_id)
    return position
