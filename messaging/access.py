"""The only functions that hand out rows on a device's behalf; missing and forbidden look alike."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from django.db.models import F, Prefetch, Q, QuerySet

from accounts.errors import DeviceRevoked
from accounts.models import Device, Person
from accounts.services.callers import Caller, ended_callers
from messaging.errors import (
    AttachmentNotFound,
    ConversationNotFound,
    PersonNotFound,
    WelcomeNotFound,
)
from messaging.models import (
    Attachment,
    Conversation,
    Entry,
    FailureReport,
    Membership,
    Welcome,
)
from securechat_sdk.wire.errors import NotAuthenticated

MOST_FAILURES = 20


def acting_device(device_id: UUID) -> Device:
    """Return the device, locked: until this transaction ends it cannot be revoked."""
    devices = Device.objects.select_for_update(of=("self",), no_key=True).select_related("person")
    device = devices.filter(pk=device_id).first()
    if device is None or not device.is_active:
        raise DeviceRevoked
    return device


def check_access(caller: Caller) -> None:
    """Refuse a caller whose session or token has ended; call it once the device is locked."""
    if ended_callers([caller]):
        raise NotAuthenticated


def acting_devices(device_id: UUID, others: Collection[UUID]) -> tuple[Device, list[Device]]:
    """Return the device and those others that are active, all locked in the order of their ids."""
    devices = Device.objects.select_for_update(of=("self",), no_key=True).select_related("person")
    locked = {one.pk: one for one in devices.filter(pk__in={device_id, *others}).order_by("pk")}
    device = locked.get(device_id)
    if device is None or not device.is_active:
        raise DeviceRevoked
    return device, [locked[one] for one in others if one in locked and locked[one].is_active]


def conversation_for(device: Device, conversation_id: UUID, *, lock: bool = False) -> Conversation:
    """Return the conversation if the device is a member; ``lock`` keeps it for a transaction."""
    conversations = Conversation.objects.filter(
        pk=conversation_id, memberships__device=device, memberships__left_position=None
    )
    if lock:
        conversations = conversations.select_for_update(of=("self",), no_key=True)
    conversation = conversations.first()
    if conversation is None:
        raise ConversationNotFound
    return conversation


def conversations_of(device: Device) -> QuerySet[Conversation]:
    """Every conversation in which the device is a member, with its members and what failed."""
    latest = FailureReport.objects.select_related("entry").order_by("-pk")[:MOST_FAILURES]
    present = Membership.objects.filter(left_position=None).select_related("device").order_by("pk")
    return Conversation.objects.filter(
        memberships__device=device, memberships__left_position=None
    ).prefetch_related(
        Prefetch("memberships", queryset=present, to_attr="present"),
        Prefetch("failures", queryset=latest, to_attr="latest_failures"),
    )


def conversation_in_full(device: Device, conversation_id: UUID) -> Conversation:
    conversation = conversations_of(device).filter(pk=conversation_id).first()
    if conversation is None:
        raise ConversationNotFound
    return conversation


@dataclass(frozen=True)
class ReadableLog:
    """What a device may read of a conversation: from where it joined to where it left."""

    entries: QuerySet[Entry]
    last_position: int


def log_for(device: Device, conversation_id: UUID) -> ReadableLog:
    """Return the log for a member, or for one who was a member, up to the removal itself."""
    memberships = list(
        Membership.objects.filter(device=device, conversation=conversation_id)
        .select_related("conversation")
        .order_by("joined_position")
    )
    if not memberships:
        raise ConversationNotFound
    readable = Q()
    for membership in memberships:
        readable |= _readable(membership)
    newest = memberships[-1]
    return ReadableLog(
        Entry.objects.filter(readable, conversation=conversation_id).order_by("position"),
        newest.left_position or newest.conversation.last_position,
    )


def _readable(membership: Membership) -> Q:
    after = Q(position__gt=membership.joined_position)
    if membership.left_position is None:
        return after
    return after & Q(position__lte=membership.left_position)


def person_for(person_id: UUID) -> Person:
    """Return a person with whom one can talk."""
    person = Person.objects.filter(pk=person_id, is_active=True).first()
    if person is None:
        raise PersonNotFound
    return person


def active_devices(*people: UUID) -> QuerySet[Device]:
    return Device.objects.filter(
        person__in=people, person__is_active=True, revoked_at=None
    ).order_by("pk")


def welcomes_of(device: Device) -> QuerySet[Welcome]:
    return Welcome.objects.filter(device=device).order_by("created_at", "pk")


def welcome_for(device: Device, welcome_id: UUID) -> Welcome:
    welcome = Welcome.objects.filter(device=device, pk=welcome_id).first()
    if welcome is None:
        raise WelcomeNotFound
    return welcome


def upload_for(device: Device, attachment_id: UUID, *, lock: bool = False) -> Attachment:
    """Return an attachment that this device uploads, while it is in the conversation."""
    uploads = _attachments_within_reach(device).filter(uploader=device)
    if lock:
        uploads = uploads.select_for_update(of=("self",), no_key=True)
    return _one(uploads, attachment_id)


def attachment_for(device: Device, attachment_id: UUID) -> Attachment:
    """Return an attachment that is there as a whole, for a device that is in its conversation."""
    return _one(_attachments_within_reach(device).filter(received=F("size")), attachment_id)


def _attachments_within_reach(device: Device) -> QuerySet[Attachment]:
    return Attachment.objects.filter(
        conversation__memberships__device=device, conversation__memberships__left_position=None
    )


def _one(attachments: QuerySet[Attachment], attachment_id: UUID) -> Attachment:
    attachment = attachments.filter(pk=attachment_id).first()
    if attachment is None:
        raise AttachmentNotFound
    return attachment
