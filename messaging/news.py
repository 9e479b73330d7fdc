"""What the hub reads from the database, for many sockets at a time."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, timedelta
from uuid import UUID

from django.db.models import F, Q, QuerySet, Window
from django.db.models.functions import Length, RowNumber
from django.utils import timezone

from messaging import bulk
from messaging.models import Conversation, Entry, FailureReport, Membership, Welcome
from messaging.services.key_packages import Stock, stocks_of
from securechat_sdk.wire.frames import EntryAppended, EntryKind, FailureReported, WelcomeArrived

MOST_ENTRIES = 500
MOST_BYTES = 1024 * 1024
MOST_WELCOMES = 20
FAILURES_ARE_NEWS = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class MemberNow:
    """A member device: from where to where it reads, and how far it has come."""

    joined_position: int
    delivered_position: int
    left_position: int | None = None

    def may_read(self, position: int) -> bool:
        return self.joined_position < position <= (self.left_position or position)


@dataclass(frozen=True, slots=True)
class RoomNow:
    """A conversation as it is in the database."""

    conversation_id: UUID
    last_position: int
    members: Mapping[UUID, MemberNow]


@dataclass(frozen=True)
class DeviceNews:
    """What waits for a device; of many Welcomes, the last few."""

    welcomes: tuple[WelcomeArrived, ...]
    key_packages: Stock


def rooms_of(device_ids: Collection[UUID]) -> list[RoomNow]:
    """Every conversation in which one of the devices is a member."""
    memberships = Membership.objects.filter(device__in=device_ids, left_position=None)
    return rooms_now(set(memberships.values_list("conversation_id", flat=True)))


def rooms_now(
    conversation_ids: Collection[UUID], *, left_after: int | None = None
) -> list[RoomNow]:
    """Return who is in them, and on request who left after a position, still to be told so."""
    # The positions first: a member who joined after them is then known when they are passed.
    positions = last_positions(conversation_ids)
    members: dict[UUID, dict[UUID, MemberNow]] = defaultdict(dict)
    wanted = Q(left_position=None)
    if left_after is not None:
        wanted |= Q(left_position__gt=left_after)
    memberships = Membership.objects.filter(wanted, conversation__in=conversation_ids)
    for conversation_id, device_id, joined, delivered, left in memberships.order_by(
        "pk"
    ).values_list(
        "conversation_id", "device_id", "joined_position", "delivered_position", "left_position"
    ):
        members[conversation_id][device_id] = MemberNow(joined, delivered, left)
    return [
        RoomNow(conversation_id, last_position, members[conversation_id])
        for conversation_id, last_position in positions.items()
    ]


def last_positions(conversation_ids: Collection[UUID]) -> dict[UUID, int]:
    conversations = Conversation.objects.filter(pk__in=conversation_ids)
    return dict(conversations.values_list("pk", "last_position"))


def logs_after(cursors: Mapping[UUID, int]) -> dict[UUID, list[EntryAppended]]:
    """Return what follows each conversation's cursor, as much as is read at a time."""
    logs: dict[UUID, list[EntryAppended]] = defaultdict(list)
    for entry in bulk.entries_after(cursors, most_entries=MOST_ENTRIES, most_bytes=MOST_BYTES):
        logs[entry.conversation_id].append(entry)
    return logs


def bounded(entries: QuerySet[Entry], most: int) -> QuerySet[Entry]:
    """Return the first, up to the one with which the bytes become too many."""
    size, last = 0, 0
    for position, length in entries.values_list("position", Length("data"))[:most]:
        size, last = size + length, position
        if size > MOST_BYTES:
            break
    return entries.filter(position__lte=last)


def entry_event(entry: Entry) -> EntryAppended:
    return EntryAppended(
        conversation_id=entry.conversation_id,
        position=entry.position,
        kind=EntryKind(entry.kind),
        epoch=entry.epoch,
        sender_device_id=entry.sender_id,
        message_id=entry.message_id,
        created_at=entry.created_at.astimezone(UTC),
        data=bytes(entry.data),
    )


def news_of(devices: Collection[UUID]) -> dict[UUID, DeviceNews]:
    newest_first = Window(
        RowNumber(), partition_by="device", order_by=[F("created_at").desc(), F("pk").desc()]
    )
    newest = Welcome.objects.filter(device__in=devices).annotate(age=newest_first)
    welcomes: dict[UUID, list[WelcomeArrived]] = defaultdict(list)
    for welcome in newest.filter(age__lte=MOST_WELCOMES).order_by("-age").defer("data"):
        welcomes[welcome.device_id].append(_welcome_event(welcome))
    return {
        device: DeviceNews(tuple(welcomes[device]), stock)
        for device, stock in stocks_of(devices).items()
    }


def failures_in(conversation_ids: Collection[UUID]) -> list[FailureReported]:
    """Return what was reported just now; whoever is told later reads it with the conversation."""
    recent = FailureReport.objects.filter(
        conversation__in=conversation_ids, created_at__gt=timezone.now() - FAILURES_ARE_NEWS
    )
    return [
        FailureReported(
            conversation_id=report.conversation_id,
            position=report.entry.position,
            sender_device_id=sender,
            device_id=report.device_id,
        )
        for report in recent.select_related("entry").order_by("pk")
        if (sender := report.entry.sender_id)  # the server's own proposals are no commits
    ]


def _welcome_event(welcome: Welcome) -> WelcomeArrived:
    return WelcomeArrived(
        welcome_id=welcome.pk,
        conversation_id=welcome.conversation_id,
        position=welcome.position,
        epoch=welcome.epoch,
    )
