"""The public groups that are kept: one row for each epoch that somebody may still need."""

from collections.abc import Collection

from django.db.models import F

from accounts.models import Device
from messaging.envelopes import Owner
from messaging.errors import StaleEpoch, TreeNotKept
from messaging.groups import Snapshot, lists_server
from messaging.models import Conversation, Entry, GroupState, Welcome
from securechat_sdk.mls.public_group.public_group import PublicGroup


def owner_of(device: Device) -> Owner:
    return Owner(
        device_id=device.pk,
        credential=bytes(device.credential),
        signature_key=bytes(device.signature_key),
    )


def group_of(conversation: Conversation) -> PublicGroup:
    """Return the group in the conversation's present epoch, and the proposals that wait in it.

    The state of an epoch never changes, so this needs no lock; raises `StaleEpoch` when the
    conversation has gone on meanwhile.
    """
    epoch = conversation.epoch
    try:
        snapshot = snapshot_of(conversation, epoch)
    except TreeNotKept:
        conversation.refresh_from_db()
        raise StaleEpoch(epoch=conversation.epoch) from None
    proposals = Entry.objects.filter(
        conversation=conversation, kind=Entry.Kind.PROPOSAL, epoch=epoch
    ).order_by("position")
    waiting = proposals if conversation.awaits_removal else proposals.none()
    return snapshot.restore(bytes(data) for data in waiting.values_list("data", flat=True))


def snapshot_of(conversation: Conversation, epoch: int) -> Snapshot:
    state = GroupState.objects.filter(conversation=conversation, epoch=epoch).first()
    if state is None:
        raise TreeNotKept
    return Snapshot(state.epoch, bytes(state.group_info), bytes(state.ratchet_tree))


def listing_this_server(conversations: Collection[Conversation]) -> list[Conversation]:
    """Return those whose members believe this server: not after its secret key was given up."""
    states = GroupState.objects.filter(
        conversation__in=conversations, epoch=F("conversation__epoch")
    )
    group_infos = dict(states.values_list("conversation", "group_info"))
    return [
        conversation
        for conversation in conversations
        if conversation.pk in group_infos and lists_server(bytes(group_infos[conversation.pk]))
    ]


def keep(conversation: Conversation, snapshot: Snapshot) -> None:
    """Store the state of a new epoch, and forget those that nobody needs any more."""
    GroupState.objects.create(
        conversation=conversation,
        epoch=snapshot.epoch,
        group_info=snapshot.group_info,
        ratchet_tree=snapshot.ratchet_tree,
    )
    awaited = Welcome.objects.filter(conversation=conversation).values("epoch")
    past = GroupState.objects.filter(conversation=conversation, epoch__lt=snapshot.epoch - 1)
    past.exclude(epoch__in=awaited).delete()
