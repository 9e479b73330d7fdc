"""Removals that wait for a member's commit: of who leaves, and of devices that were revoked."""

import time
from collections.abc import Collection, Sequence
from uuid import UUID, uuid4

from accounts.services.callers import Caller
from messaging import events
from messaging.access import acting_device, check_access, conversation_for
from messaging.envelopes import read_leave
from messaging.errors import ProposalInvalid, ProposalNotSupported, ProposalsPending
from messaging.groups import check_leave, propose_removal
from messaging.models import (
    ClaimedKeyPackage,
    Conversation,
    Entry,
    KeyPackage,
    Membership,
    Welcome,
)
from messaging.services.durability import durable_transaction
from messaging.services.groups import group_of, listing_this_server, owner_of
from messaging.services.log import (
    Handshake,
    Placed,
    append_entry,
    check_epoch,
    find_repeated,
    repeated_durably,
)


def submit_proposal(
    *, caller: Caller, conversation_id: UUID, message_id: UUID, proposal: bytes
) -> Placed:
    """Have the device leave a group: others commit its removal before they say anything else."""
    device = caller.device
    leave = read_leave(proposal)
    if leave.group != conversation_id.bytes:
        raise ProposalInvalid("The proposal is of another conversation.")
    conversation = conversation_for(device, conversation_id)
    handshake = Handshake(Entry.Kind.PROPOSAL, message_id, proposal)
    if repeated := repeated_durably(caller, conversation, handshake):
        return repeated
    if conversation.kind != Conversation.Kind.GROUP:
        raise ProposalNotSupported("A direct conversation is not left.")
    check_epoch(conversation, leave.epoch)
    check_leave(group_of(conversation), leave, sender=owner_of(device), now=int(time.time()))
    with durable_transaction():
        sender = acting_device(device.pk)
        check_access(caller)
        conversation = conversation_for(sender, conversation_id, lock=True)
        if repeated := find_repeated(conversation, sender=sender, handshake=handshake):
            return repeated
        check_epoch(conversation, leave.epoch)
        staying = conversation.memberships.filter(left_position=None, is_leaving=False)
        if not staying.filter(device=sender).update(is_leaving=True):
            raise ProposalsPending("The removal of this device waits already.")
        entry = append_entry(conversation, sender=sender, handshake=handshake)
        _end_deserted([conversation])
        return Placed(position=entry.position, is_new=True)


def remove_revoked(*, device_ids: Collection[UUID], **_signal: object) -> None:
    """Forget what would let the devices in, and propose their removal wherever they are.

    Runs inside the transaction that revokes them, once their rows are locked.
    """
    KeyPackage.objects.filter(device__in=device_ids).delete()
    ClaimedKeyPackage.objects.filter(device__in=device_ids).delete()
    ClaimedKeyPackage.objects.filter(claimer__in=device_ids).delete()
    Welcome.objects.filter(device__in=device_ids).delete()
    staying = Membership.objects.filter(device__in=device_ids, left_position=None, is_leaving=False)
    rooms = staying.values("conversation")
    conversations = list(
        Conversation.objects.filter(pk__in=rooms)
        .select_for_update(of=("self",), no_key=True)
        .order_by("pk")
    )
    listing = listing_this_server(conversations)
    leaving = staying.filter(conversation__in=listing)
    _propose(listing, list(leaving.order_by("conversation", "leaf_index")))
    leaving.update(is_leaving=True)
    _end_deserted(listing)


def propose_again(conversation: Conversation) -> None:
    """Have the removals wait on in a new epoch that a rejoining device has begun without them.

    Raises `ProposalsPending` where the members do not believe this server: they have to commit.
    """
    leaving = conversation.memberships.filter(left_position=None, is_leaving=True)
    if not leaving.exists():
        return
    if not listing_this_server([conversation]):
        raise ProposalsPending
    _propose([conversation], list(leaving.order_by("leaf_index")))


def _propose(conversations: Sequence[Conversation], leaving: Sequence[Membership]) -> None:
    rooms = {conversation.pk: conversation for conversation in conversations}
    entries = []
    for membership in leaving:
        conversation = rooms[membership.conversation_id]
        conversation.awaits_removal = True
        proposal = propose_removal(
            conversation.pk.bytes,
            conversation.epoch,
            conversation.cipher_suite,
            membership.leaf_index,
        )
        entries.append(
            Entry(
                conversation=conversation,
                position=conversation.next_position(),
                kind=Entry.Kind.PROPOSAL,
                epoch=conversation.epoch,
                message_id=uuid4(),
                data=proposal,
            )
        )
    Entry.objects.bulk_create(entries, batch_size=500)
    Conversation.objects.bulk_update(
        conversations, ["awaits_removal", "last_position", "active_at"], batch_size=500
    )
    events.logs_moved({room.pk: room.last_position for room in conversations})


def _end_deserted(conversations: Sequence[Conversation]) -> None:
    """Where nobody stays who could commit the removals, all have left."""
    present = Membership.objects.filter(conversation__in=conversations, left_position=None)
    alive = set(present.filter(is_leaving=False).values_list("conversation", flat=True))
    for conversation in conversations:
        if conversation.pk not in alive:
            present.filter(conversation=conversation).update(
                left_position=conversation.last_position, is_leaving=False
            )
