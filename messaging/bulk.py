"""Whole batches in single statements of an SQL that both databases understand.

The log's writer uses these instead of one object per row. Every statement that locks does so in
the order of the ids, devices before conversations, so that the batches of several processes
cannot wait for each other in a circle.

A batch comes in as one table, `given`, so the text of a statement is the same for batches of all
sizes and is understood and planned once.
"""
# ruff: noqa: S608 - nothing that a client sent is formatted into a statement

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple, cast
from uuid import UUID

from django.db import connection

from accounts.services.callers import Evidence
from securechat_sdk.wire.frames import EntryAppended, EntryKind

Pair = tuple[UUID, UUID]


@dataclass(slots=True)
class Room:
    """A locked conversation: its epoch, the place that was taken last, and whether all wait."""

    epoch: int
    last_position: int
    awaits_removal: bool


class Asked(NamedTuple):
    """Which device asks in which conversation, by which token or session, if by one."""

    conversation_id: UUID
    device_id: UUID
    token_id: UUID | None
    session: str | None


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a member device has come, and the log; and what is left of what it shows."""

    delivered_position: int
    last_position: int
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Earlier:
    """An entry that is in the log."""

    conversation_id: UUID
    kind: str
    position: int
    data: bytes


def keep_plans() -> None:
    """Have this connection keep the plans of its statements; for one that runs nothing else.

    A plan that was made while a table was small must not read the whole table when it has grown.
    """
    if connection.vendor != "postgresql":
        return
    connection.ensure_connection()
    database, raw = cast("Any", connection), cast("Any", connection.connection)  # psycopg's
    raw.cursor_factory = database.Database.Cursor  # which sends values apart from the text
    raw.prepare_threshold = 0
    with connection.cursor() as cursor:
        for way in ("seqscan", "hashjoin", "mergejoin"):
            cursor.execute(f"SET enable_{way} = off")


def lock_active_devices(device_ids: Collection[UUID]) -> set[UUID]:
    """Return which of them may act; until the transaction ends none of these can be revoked."""
    rows = _rows(
        f"""SELECT d.id FROM {_given("uuid")}
            JOIN accounts_device d ON d.id = given.a JOIN accounts_person p ON p.id = d.person_id
            WHERE d.revoked_at IS NULL AND p.is_active ORDER BY d.id {_lock("d")}""",
        _columns([(device_id,) for device_id in device_ids]),
    )
    return {_to_uuid(row[0]) for row in rows}


def unable_to_act(device_ids: Collection[UUID]) -> set[UUID]:
    """Return which of them were revoked, or belong to somebody who was deactivated."""
    if not device_ids:
        return set()
    rows = _rows(
        f"""SELECT d.id FROM {_given("uuid")}
            JOIN accounts_device d ON d.id = given.a JOIN accounts_person p ON p.id = d.person_id
            WHERE d.revoked_at IS NOT NULL OR NOT p.is_active""",
        _columns([(device_id,) for device_id in device_ids]),
    )
    return {_to_uuid(row[0]) for row in rows}


def lock_conversations(conversation_ids: Collection[UUID]) -> dict[UUID, Room]:
    if not conversation_ids:
        return {}
    rows = _rows(
        f"""SELECT c.id, c.epoch, c.last_position, c.awaits_removal FROM {_given("uuid")}
            JOIN messaging_conversation c ON c.id = given.a ORDER BY c.id {_lock("c")}""",
        _columns([(conversation_id,) for conversation_id in conversation_ids]),
    )
    return {_to_uuid(row[0]): Room(*row[1:]) for row in rows}


def memberships(asked: Collection[Asked], now: datetime) -> dict[Asked, Standing]:
    """Return those in which the device is a member now; call it once the rows are locked.

    Who ends a session or a token locks the device first. A statement before the lock might still
    see what ended while it waited; this one, after it, does not.
    """
    time = connection.ops.adapt_datetimefield_value(now)
    rows = _rows(
        f"""SELECT m.conversation_id, m.device_id, given.c, given.d,
                   m.delivered_position, c.last_position,
                   t.id IS NOT NULL, s.session_key IS NOT NULL, p.session_epoch, p.password
            FROM {_given("uuid", "uuid", "uuid", "text")}
            JOIN messaging_membership m
              ON m.conversation_id = given.a AND m.device_id = given.b
            JOIN messaging_conversation c ON c.id = m.conversation_id
            JOIN accounts_device d ON d.id = m.device_id
            JOIN accounts_person p ON p.id = d.person_id
            LEFT JOIN accounts_devicetoken t
              ON t.id = given.c AND t.revoked_at IS NULL AND t.expires_at > %s
            LEFT JOIN django_session s ON s.session_key = given.d AND s.expire_date > %s
            WHERE m.left_position IS NULL""",
        [*_columns(asked), time, time],
    )
    return {
        Asked(_to_uuid(row[0]), _to_uuid(row[1]), row[2] and _to_uuid(row[2]), row[3]): Standing(
            row[4], row[5], Evidence(bool(row[6]), bool(row[7]), row[8], row[9])
        )
        for row in rows
    }


def earlier_entries(senders_and_messages: Collection[Pair]) -> dict[Pair, Earlier]:
    """Return what stands under these message ids already."""
    if not senders_and_messages:
        return {}
    rows = _rows(
        f"""SELECT e.sender_id, e.message_id, e.conversation_id, e.kind, e.position, e.data
            FROM {_given("uuid", "uuid")}
            JOIN messaging_entry e ON e.sender_id = given.a AND e.message_id = given.b""",
        _columns(senders_and_messages),
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
    limits = [most_entries] * (2 if connection.vendor == "postgresql" else 1)
    rows = _rows(
        f"""SELECT conversation_id, position, kind, epoch, sender_id, message_id, created_at, data
            FROM (
                SELECT e.conversation_id, e.position, e.kind, e.epoch, e.sender_id, e.message_id,
                       e.created_at, e.data, SUM(LENGTH(e.data))
                           OVER (ORDER BY e.conversation_id, e.position) - LENGTH(e.data) AS before
                FROM {_given("uuid", "bigint")} {_join_following()}
                ORDER BY e.conversation_id, e.position LIMIT %s
            ) AS following
            WHERE before < %s ORDER BY conversation_id, position""",
        [*_columns(cursors.items()), *limits, most_bytes],
    )
    return [_entry_event(*row) for row in rows]


def _join_following() -> str:
    """Log by log, from the cursor on: PostgreSQL might read whole logs otherwise."""
    following = "e.conversation_id = given.a AND e.position > given.b"
    if connection.vendor == "postgresql":
        one_log = f"SELECT * FROM messaging_entry e WHERE {following} ORDER BY position LIMIT %s"
        return f"CROSS JOIN LATERAL ({one_log}) AS e"
    return f"JOIN messaging_entry e ON {following}"


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


def insert_entries(entries: Collection[EntryAppended]) -> None:
    into = """INSERT INTO messaging_entry (conversation_id, position, kind, epoch, sender_id,
                                           message_id, created_at, data)"""
    types = "uuid", "bigint", "text", "bigint", "uuid", "uuid", "timestamptz", "bytea"
    rows = [_fields(entry) for entry in entries]
    if connection.vendor == "postgresql":
        _run(f"{into} SELECT * FROM {_given(*types)}", _columns(rows))
    else:  # bytes do not fit into what `given` is made of there
        marks = ", ".join(["%s"] * len(types))
        with connection.cursor() as cursor:
            cursor.executemany(f"{into} VALUES ({marks})", [[*map(_plain, row)] for row in rows])


def _fields(entry: EntryAppended) -> tuple[Any, ...]:
    return (
        entry.conversation_id,
        entry.position,
        entry.kind.value,
        entry.epoch,
        entry.sender_device_id,
        entry.message_id,
        connection.ops.adapt_datetimefield_value(entry.created_at),
        entry.data,
    )


def limit_entries(expiries: Mapping[tuple[UUID, int], datetime]) -> None:
    """Write down when entries that were just inserted are to be erased."""
    adapt = connection.ops.adapt_datetimefield_value
    _run(
        f"""UPDATE messaging_entry SET expires_at = given.c
            FROM {_given("uuid", "bigint", "timestamptz")}
            WHERE messaging_entry.conversation_id = given.a
              AND messaging_entry.position = given.b""",
        _columns([(*place, adapt(expires_at)) for place, expires_at in expiries.items()]),
    )


def move_conversations(last_positions: Mapping[UUID, int], active_at: datetime) -> None:
    """Write down the last place of conversations that are locked."""
    time = connection.ops.adapt_datetimefield_value(active_at)
    _run(
        f"""UPDATE messaging_conversation SET last_position = given.b, active_at = %s
            FROM {_given("uuid", "bigint")} WHERE messaging_conversation.id = given.a""",
        [time, *_columns(last_positions.items())],
    )


def move_marks(positions: Mapping[Pair, int]) -> None:
    """Move marks of conversation and device forward, never back."""
    _run(
        f"""UPDATE messaging_membership SET delivered_position = given.c
            FROM {_given("uuid", "uuid", "bigint")}
            WHERE messaging_membership.conversation_id = given.a
              AND messaging_membership.device_id = given.b
              AND messaging_membership.left_position IS NULL
              AND messaging_membership.delivered_position < given.c""",
        _columns([(*pair, position) for pair, position in positions.items()]),
    )


# The table `given` ----------------------------------------------------------------------------
# Any: what a database column holds, in either direction.


def _given(*types: str) -> str:
    """Return the table that `_columns` fills: a column a, b, c … of each type."""
    names = "abcdefgh"[: len(types)]
    if connection.vendor == "postgresql":
        arrays = ", ".join(f"%b::{kind}[]" for kind in types)
        return f"unnest({arrays}) AS given({', '.join(names)})"
    fields = ", ".join(f"json_extract(value, '$[{n}]') AS {name}" for n, name in enumerate(names))
    return f"(SELECT {fields} FROM json_each(%s)) AS given"


def _columns(rows: Collection[Sequence[Any]]) -> list[Any]:
    if connection.vendor == "postgresql":
        return [list(column) for column in zip(*rows, strict=True)]
    return [json.dumps([[*map(_plain, row)] for row in rows])]


def _plain(value: Any) -> Any:
    """SQLite has no type for identifiers."""
    return value.hex if isinstance(value, UUID) else value


def _rows(statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def _run(statement: str, values: Sequence[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def _lock(table: str) -> str:
    """In SQLite, the transaction is the only writer from its first statement on."""
    return f"FOR NO KEY UPDATE OF {table}" if connection.features.has_select_for_update else ""


def _to_time(value: Any) -> datetime:
    """SQLite stores times as text, without a zone; all are UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return datetime.fromisoformat(value).replace(tzinfo=UTC)


def _to_uuid(value: Any) -> UUID:
    return value if isinstance(value, UUID) else UUID(value)
