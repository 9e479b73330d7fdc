"""Whole batches in single statements of an SQL that both databases understand.

The log's writer uses these instead of one object per row. Every statement that locks does so in
the order of the ids, devices before conversations, so that the batches of several processes
cannot wait for each other in a circle.
"""
# ruff: noqa: S608 - nothing but placeholders is formatted into a statement

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection

from securechat_sdk.wire.frames import EntryAppended, EntryKind

Pair = tuple[UUID, UUID]


@dataclass(slots=True)
class Room:
    """A locked conversation: its epoch, the place that was taken last, and whether all wait."""

    epoch: int
    last_position: int
    awaits_removal: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a member device has come, and how far the log has."""

    delivered_position: int
    last_position: int


@dataclass(frozen=True, slots=True)
class Earlier:
    """An entry that is in the log."""

    conversation_id: UUID
    kind: str
    position: int
    data: bytes


@dataclass(frozen=True, slots=True)
class NewEntry:
    """An entry that is to be in the log."""

    conversation_id: UUID
    position: int
    kind: str
    epoch: int
    sender_id: UUID
    message_id: UUID
    data: bytes
    expires_at: datetime | None = None


def lock_active_devices(device_ids: Collection[UUID]) -> set[UUID]:
    """Return which of them may act; until the transaction ends none of these can be revoked."""
    rows = _rows(
        f"""SELECT d.id FROM accounts_device d JOIN accounts_person p ON p.id = d.person_id
            WHERE d.id IN ({_marks(device_ids)}) AND d.revoked_at IS NULL AND p.is_active
            ORDER BY d.id {_lock("d")}""",
        map(_from_uuid, device_ids),
    )
    return {_to_uuid(row[0]) for row in rows}


def lock_conversations(conversation_ids: Collection[UUID]) -> dict[UUID, Room]:
    if not conversation_ids:
        return {}
    rows = _rows(
        f"""SELECT c.id, c.epoch, c.last_position, c.awaits_removal
            FROM messaging_conversation c
            WHERE c.id IN ({_marks(conversation_ids)}) ORDER BY c.id {_lock("c")}""",
        map(_from_uuid, conversation_ids),
    )
    return {_to_uuid(row[0]): Room(*row[1:]) for row in rows}


def memberships(conversations_and_devices: Collection[Pair]) -> dict[Pair, Standing]:
    """Return the pairs in which the device is a member now; call it once the rows are locked."""
    rows = _rows(
        f"""SELECT m.conversation_id, m.device_id, m.delivered_position, c.last_position
            FROM (VALUES {_tuples(conversations_and_devices, 2)}) AS v
            JOIN messaging_membership m
              ON m.conversation_id = v.column1 AND m.device_id = v.column2
            JOIN messaging_conversation c ON c.id = m.conversation_id
            WHERE m.left_position IS NULL""",
        _flat_uuids(conversations_and_devices),
    )
    return {(_to_uuid(row[0]), _to_uuid(row[1])): Standing(*row[2:]) for row in rows}


def earlier_entries(senders_and_messages: Collection[Pair]) -> dict[Pair, Earlier]:
    """Return what stands under these message ids already."""
    if not senders_and_messages:
        return {}
    rows = _rows(
        f"""SELECT e.sender_id, e.message_id, e.conversation_id, e.kind, e.position, e.data
            FROM (VALUES {_tuples(senders_and_messages, 2)}) AS v
            JOIN messaging_entry e ON e.sender_id = v.column1 AND e.message_id = v.column2""",
        _flat_uuids(senders_and_messages),
    )
    return {
        (_to_uuid(row[0]), _to_uuid(row[1])): Earlier(
            _to_uuid(row[2]), row[3], row[4], bytes(row[5])
        )
        for row in rows
    }


def entries_after(
    cursors: Mapping[UUID, int], *, most_entries: int, most_bytes: int
) -> list[EntryAppended]:
    """Return what follows the cursors, conversation by conversation in order, as much as fits.

    At least one entry is returned, however large, if there is any.
    """
    rows = _rows(
        f"""SELECT conversation_id, position, kind, epoch, sender_id, message_id, created_at, data
            FROM (
                SELECT e.conversation_id, e.position, e.kind, e.epoch, e.sender_id, e.message_id,
                       e.created_at, e.data, SUM(LENGTH(e.data))
                           OVER (ORDER BY e.conversation_id, e.position) - LENGTH(e.data) AS before
                FROM (VALUES {_tuples(cursors, 2)}) AS v
                JOIN messaging_entry e
                  ON e.conversation_id = v.column1 AND e.position > v.column2
                ORDER BY e.conversation_id, e.position LIMIT %s
            ) AS following
            WHERE before < %s ORDER BY conversation_id, position""",
        [
            *(value for room, cursor in cursors.items() for value in (_from_uuid(room), cursor)),
            most_entries,
            most_bytes,
        ],
    )
    return [_entry_event(*row) for row in rows]


def _entry_event(*columns: Any) -> EntryAppended:
    conversation_id, position, kind, epoch, sender_id, message_id, created_at, data = columns
    return EntryAppended(
        conversation_id=_to_uuid(conversation_id),
        position=position,
        kind=EntryKind(kind),
        epoch=epoch,
        sender_device_id=None if sender_id is None else _to_uuid(sender_id),
        message_id=_to_uuid(message_id),
        created_at=_to_time(created_at),
        data=bytes(data),
    )


def insert_entries(entries: Sequence[NewEntry], created_at: datetime) -> None:
    time = connection.ops.adapt_datetimefield_value(created_at)
    values: list[Any] = []
    for entry in entries:
        values += (
            _from_uuid(entry.conversation_id),
            entry.position,
            entry.kind,
            entry.epoch,
            _from_uuid(entry.sender_id),
            _from_uuid(entry.message_id),
            time,
            entry.data,
            connection.ops.adapt_datetimefield_value(entry.expires_at),
        )
    _run(
        f"""INSERT INTO messaging_entry
            (conversation_id, position, kind, epoch, sender_id, message_id, created_at, data,
             expires_at)
            VALUES {_tuples(entries, 9)}""",
        values,
    )


def move_conversations(last_positions: dict[UUID, int], active_at: datetime) -> None:
    """Write down the last place of conversations that are locked."""
    values: list[Any] = [connection.ops.adapt_datetimefield_value(active_at)]
    for conversation_id, position in last_positions.items():
        values += (_from_uuid(conversation_id), position)
    _run(
        f"""UPDATE messaging_conversation SET last_position = v.column2, active_at = %s
            FROM (VALUES {_tuples(last_positions, 2)}) AS v
            WHERE messaging_conversation.id = v.column1""",
        values,
    )


def move_marks(positions: dict[Pair, int]) -> None:
    """Move marks of conversation and device forward, never back."""
    values: list[Any] = []
    for (conversation_id, device_id), position in positions.items():
        values += (_from_uuid(conversation_id), _from_uuid(device_id), position)
    _run(
        f"""UPDATE messaging_membership SET delivered_position = v.column3
            FROM (VALUES {_tuples(positions, 3)}) AS v
            WHERE messaging_membership.conversation_id = v.column1
              AND messaging_membership.device_id = v.column2
              AND messaging_membership.left_position IS NULL
              AND messaging_membership.delivered_position < v.column3""",
        values,
    )


# Any: what a database column holds, in either direction.


def _rows(statement: str, values: Iterable[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, list(values))
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def _run(statement: str, values: Iterable[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, list(values))


def _lock(table: str) -> str:
    """In SQLite, the transaction is the only writer from its first statement on."""
    return f"FOR NO KEY UPDATE OF {table}" if connection.features.has_select_for_update else ""


def _marks(values: Collection[object]) -> str:
    return ", ".join(["%s"] * len(values))


def _tuples(rows: Collection[object], width: int) -> str:
    one = f"({', '.join(['%s'] * width)})"
    return ", ".join([one] * len(rows))


def _flat_uuids(pairs: Iterable[Pair]) -> list[Any]:
    return [_from_uuid(one) for pair in pairs for one in pair]


def _from_uuid(value: UUID) -> Any:
    return value if connection.features.has_native_uuid_field else value.hex


def _to_time(value: Any) -> datetime:
    """SQLite stores times as text, without a zone; all are UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return datetime.fromisoformat(value).replace(tzinfo=UTC)


def _to_uuid(value: Any) -> UUID:
    return value if isinstance(value, UUID) else UUID(value)
