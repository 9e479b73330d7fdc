"""What must not grow: the cost of a message in a long log, and among many conversations.

Part of ``python -m benchmarks.relay``; import it inside `product()`. Each size has ten pairs of
devices of its own, connected only while they are measured, after the server has settled; the sizes
take turns, and the median counts. For a ratio to be trusted, measure 10,000 messages a round.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from django.db import connection
from django.utils import timezone

from benchmarks.devices import conversation_of, enrol_many, frame_to_send, sockets_of
from benchmarks.load import Pair, run
from benchmarks.product import Product
from benchmarks.scale import begin_many
from messaging import bulk
from messaging.models import Conversation
from messaging.threads import run_once
from tests.messaging.people import Member, message

PAIRS = 10
SECONDS_TO_SETTLE = 5.0


@dataclass
class Lot:
    """Pairs of devices, and the conversation of each."""

    members: Sequence[Member]
    rooms: Sequence[Conversation]


@dataclass(frozen=True)
class Effort:
    """How many messages each pair writes in a round, and how many rounds there are."""

    messages: int
    rounds: int


async def history(running: Product, lengths: Sequence[int], effort: Effort) -> dict[str, Any]:
    """Measure in a short table, and then in a long one, in which a short log takes turns."""
    lots = {length: await run_once(make_lot) for length in lengths}
    shortest, *longer = lengths
    await run_once(fill, lots[shortest], shortest)
    figures = _named(await costs(running, {shortest: lots[shortest]}, effort), "after_{}_alone")
    for length in longer:
        await run_once(fill, lots[length], length)
    figures |= _named(await costs(running, lots, effort), "after_{}")
    alone, short, *_, longest = figures.values()
    return figures | {"history_ratio": longest / alone, "log_ratio": longest / short}


async def many_conversations(
    running: Product, counts: Sequence[int], effort: Effort
) -> dict[str, Any]:
    """Measure while the server follows few conversations, and many."""
    lots = {count: await run_once(make_lot) for count in counts}
    for count, lot in lots.items():
        await run_once(begin_many, lot.members, count - PAIRS)
    figures = _named(await costs(running, lots, effort), "among_{}_conversations")
    values = list(figures.values())
    return figures | {"conversations_ratio": values[-1] / values[0]}


def _named(costs: Mapping[int, float], name: str) -> dict[str, Any]:
    return {f"cpu_seconds_per_1000_{name.format(size)}": cost for size, cost in costs.items()}


async def costs(running: Product, lots: Mapping[int, Lot], effort: Effort) -> dict[int, float]:
    """Return each lot's processor seconds per 1,000 messages."""
    found: dict[int, list[float]] = {size: [] for size in lots}
    order = list(lots)
    for _ in range(effort.rounds):
        for size in order:
            found[size].append(await cost_of(running, lots[size], effort.messages))
        order.reverse()  # whatever drifts, drifts for both
    return {size: median(values) for size, values in found.items()}


async def cost_of(running: Product, lot: Lot, messages: int) -> float:
    async with sockets_of(lot.members, running.web[0].port) as sockets:
        await asyncio.sleep(SECONDS_TO_SETTLE)
        pairs = [
            Pair(writer, reader, [frame_to_send(room.pk, n) for n in range(messages)])
            for writer, reader, room in zip(sockets[::2], sockets[1::2], lot.rooms, strict=True)
        ]
        load = await run(running, pairs)
    return load.cpu_total / load.accepted * 1000


def make_lot() -> Lot:
    members = enrol_many(2 * PAIRS)
    pairs = zip(members[::2], members[1::2], strict=True)
    return Lot(members, [conversation_of(two) for two in pairs])


def fill(lot: Lot, length: int) -> None:
    """Give the conversations a past, without the server and in one statement each."""
    is_postgresql, number = connection.vendor == "postgresql", length // PAIRS
    random_id = "gen_random_uuid()" if is_postgresql else "lower(hex(randomblob(16)))"
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    with connection.cursor() as cursor:
        if is_postgresql:
            cursor.execute("SET session_replication_role = replica")  # no look at foreign keys
        for room, writer in zip(lot.rooms, lot.members[::2], strict=True):
            ids = (one if is_postgresql else one.hex for one in (room.pk, writer.device.pk))
            cursor.execute(
                f"""INSERT INTO messaging_entry (conversation_id, sender_id, position, kind, epoch,
                                                 message_id, created_at, data)
                    WITH RECURSIVE places(n) AS
                        (SELECT 1 UNION ALL SELECT n + 1 FROM places WHERE n < %s)
                    SELECT %s, %s, n, 'message', 0, {random_id}, %s, %s FROM places""",
                [number, *ids, now, message(room.pk, 0)],
            )
        if is_postgresql:
            cursor.execute("RESET session_replication_role")
            cursor.execute("VACUUM ANALYZE messaging_entry")
    bulk.move_conversations({room.pk: number for room in lot.rooms}, timezone.now())
