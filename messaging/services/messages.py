"""Application messages: ciphertext in, a place in the log out."""

from uuid import UUID

from django.db import transaction

from accounts.models import Device
from messaging.access import acting_device, conversation_for
from messaging.envelopes import read_message
from messaging.errors import MessageInvalid
from messaging.models import Entry
from messaging.services.log import Placed, append_entry, check_epoch, find_repeated


def send_message(
    *, device: Device, conversation_id: UUID, message_id: UUID, ciphertext: bytes
) -> Placed:
    """Give the ciphertext its place in the conversation and tell every member device."""
    message = read_message(ciphertext)
    if message.group != conversation_id.bytes:
        raise MessageInvalid("The message is of another conversation.")
    with transaction.atomic():
        sender = acting_device(device.pk)
        conversation = conversation_for(sender, conversation_id, lock=True)
        repeated = find_repeated(
            conversation,
            sender=sender,
            kind=Entry.Kind.MESSAGE,
            message_id=message_id,
            data=ciphertext,
        )
        if repeated:
            return repeated
        check_epoch(conversation, message.epoch)
        entry = append_entry(
            conversation,
            sender=sender,
            kind=Entry.Kind.MESSAGE,
            message_id=message_id,
            data=ciphertext,
        )
        return Placed(position=entry.position, is_new=True)
