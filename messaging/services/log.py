"""The one way into a conversation's log."""

from dataclasses import dataclass
from uuid import UUID

from accounts.models import Device
from accounts.services.callers import Caller
from messaging import events
from messaging.access import acting_device, check_access, conversation_for
from messaging.errors import MessageIdReused, StaleEpoch
from messaging.models import Conversation, Entry
from messaging.services.durability import durable_transaction


@dataclass(frozen=True)
class Placed:
    """Where an entry stands, and whether it was there already."""

    position: int
    is_new: bool


@dataclass(frozen=True)
class Handshake:
    """A commit or proposal as its sender made it, by an id of its own."""

    kind: Entry.Kind
    message_id: UUID
    data: bytes


def append_entry(conversation: Conversation, *, sender: Device, handshake: Handshake) -> Entry:
    """Give a handshake the next place; the caller holds the lock of the conversation's row."""
    entry = Entry.objects.create(
        conversation=conversation,
        position=conversation.next_position(),
        kind=handshake.kind,
        epoch=conversation.epoch,
        sender=sender,
        message_id=handshake.message_id,
        data=handshake.data,
    )
    # Proposals are removals here, and a commit carries out all that wait.
    conversation.awaits_removal = handshake.kind == Entry.Kind.PROPOSAL
    if handshake.kind == Entry.Kind.COMMIT:
        conversation.epoch += 1
    conversation.save(update_fields=["last_position", "active_at", "epoch", "awaits_removal"])
    events.entry_appended(entry)
    return entry


def find_repeated(
    conversation: Conversation, *, sender: Device, handshake: Handshake
) -> Placed | None:
    """Return where this very entry stands already; the same id for other bytes is refused."""
    earlier = Entry.objects.filter(sender=sender, message_id=handshake.message_id).first()
    if earlier is None:
        return None
    said = (earlier.conversation_id, earlier.kind, bytes(earlier.data))
    if said != (conversation.pk, handshake.kind, handshake.data):
        raise MessageIdReused
    return Placed(position=earlier.position, is_new=False)


def repeated_durably(
    caller: Caller, conversation: Conversation, handshake: Handshake
) -> Placed | None:
    """Find the same; who repeats it may do so because its first commit was not durable."""
    if not find_repeated(conversation, sender=caller.device, handshake=handshake):
        return None
    with durable_transaction():
        sender = acting_device(caller.device.pk)  # a locked row: only so the commit is waited for
        check_access(caller)
        conversation = conversation_for(sender, conversation.pk, lock=True)
        return find_repeated(conversation, sender=sender, handshake=handshake)


def check_epoch(conversation: Conversation, epoch: int) -> None:
    if epoch != conversation.epoch:
        raise StaleEpoch(epoch=conversation.epoch)
