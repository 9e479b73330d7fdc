"""Commits: one winner per epoch, and the Welcome of the winner in the same transaction."""

import time
from collections.abc import Sequence
from uuid import UUID

from django.db import transaction

from accounts.models import Device
from messaging import events
from messaging.access import acting_device, conversation_for
from messaging.envelopes import Owner, ReadCommit, ReadKeyPackage, read_commit, split_welcome
from messaging.errors import (
    AlreadyMember,
    CommitInvalid,
    DirectIsFull,
    WelcomeMissing,
)
from messaging.models import Conversation, Entry, Membership, Welcome
from messaging.services.log import Placed, append_entry, check_epoch, find_repeated


def submit_commit(
    *,
    device: Device,
    conversation_id: UUID,
    message_id: UUID,
    commit: bytes,
    welcome: bytes | None,
) -> Placed:
    """Move the conversation to its next epoch and let the added devices in."""
    change = read_commit(commit, now=int(time.time()))
    if change.group != conversation_id.bytes:
        raise CommitInvalid("The commit is of another conversation.")
    with transaction.atomic():
        sender = acting_device(device.pk)
        conversation = conversation_for(sender, conversation_id, lock=True)
        repeated = find_repeated(
            conversation, sender=sender, kind=Entry.Kind.COMMIT, message_id=message_id, data=commit
        )
        if repeated:
            return repeated
        check_epoch(conversation, change.epoch)
        change.check_new_leaf(owner_of(sender), conversation.cipher_suite)
        added = _check_additions(conversation, change)
        welcomes = _check_welcome(welcome, change)
        entry = append_entry(
            conversation, sender=sender, kind=Entry.Kind.COMMIT, message_id=message_id, data=commit
        )
        _let_in(entry, added, change, welcomes)
        return Placed(position=entry.position, is_new=True)


def owner_of(device: Device) -> Owner:
    return Owner(
        device_id=device.pk,
        credential=bytes(device.credential),
        signature_key=bytes(device.signature_key),
    )


def _check_additions(conversation: Conversation, change: ReadCommit) -> Sequence[Device]:
    """Return the added devices in the order of their Add proposals."""
    _check_suite(conversation, change.added)
    ids = [package.device_id for package in change.added]
    if len(set(ids)) != len(ids):
        raise CommitInvalid("A device is added twice.")
    present = conversation.memberships.filter(left_position=None)
    if present.filter(device__in=ids).exists():
        raise AlreadyMember
    active = Device.objects.filter(revoked_at=None, person__is_active=True).in_bulk(ids)
    devices = [_added_device(active.get(package.device_id), package) for package in change.added]
    _check_room(conversation, devices)
    return devices


def _check_suite(conversation: Conversation, added: Sequence[ReadKeyPackage]) -> None:
    if any(package.cipher_suite != conversation.cipher_suite for package in added):
        raise CommitInvalid("A key package is for another cipher suite than the conversation's.")


def _added_device(device: Device | None, package: ReadKeyPackage) -> Device:
    if device is None or not owner_of(device).owns(package.leaf):
        raise CommitInvalid("An added key package belongs to no device here.")
    return device


def _check_room(conversation: Conversation, devices: Sequence[Device]) -> None:
    if conversation.kind != Conversation.Kind.DIRECT:
        return
    people = {conversation.first_person_id, conversation.second_person_id}
    if any(device.person_id not in people for device in devices):
        raise DirectIsFull


def _check_welcome(welcome: bytes | None, change: ReadCommit) -> dict[bytes, bytes]:
    if welcome is None:
        if change.added:
            raise WelcomeMissing
        return {}
    if not change.added:
        raise WelcomeMissing("A commit that adds nobody has no Welcome.")
    return split_welcome(welcome, change.added)


def _let_in(
    entry: Entry,
    devices: Sequence[Device],
    change: ReadCommit,
    welcomes: dict[bytes, bytes],
) -> None:
    Membership.objects.bulk_create(
        Membership(
            conversation=entry.conversation,
            device=device,
            joined_position=entry.position,
            delivered_position=entry.position,
        )
        for device in devices
    )
    Welcome.objects.bulk_create(
        Welcome(
            device=device,
            conversation=entry.conversation,
            position=entry.position,
            epoch=entry.conversation.epoch,
            data=welcomes[package.reference],
        )
        for device, package in zip(devices, change.added, strict=True)
    )
    for device in devices:
        events.device_has_news(device.pk)
