"""What changes with size: idle sockets, and all of them coming at once.

Part of ``python -m benchmarks.relay``; import it inside `product()`.
"""

import asyncio
import hashlib
import time
from collections.abc import Sequence
from itertools import pairwise
from typing import Any
from uuid import uuid4

from django.db import transaction
from websockets.asyncio.client import ClientConnection

from benchmarks.devices import (
    conversation_of,
    enrol_many,
    open_socket,
    sockets_of,
    tickets_for,
)
from benchmarks.product import Product
from messaging.models import Conversation, Membership
from messaging.threads import run_once
from tests.messaging.people import SUITE, Member

SECONDS_OF_IDLENESS = 5.0


async def idle_sockets(running: Product, counts: Sequence[int]) -> dict[str, Any]:
    """Measure what ever more sockets cost that say nothing, each in a conversation."""
    members = await run_once(enrol_together, counts[-1])
    await run_once(begin_many, members, len(members) // 2)
    web, figures = running.web[0], dict[str, Any]()
    idle = web.resident_bytes()
    async with asyncio.TaskGroup() as keeping:
        leaving = asyncio.Event()
        for before, count in pairwise([0, *counts]):
            await _keep(keeping, members[before:count], web.port, leaving)
            used, begin = web_seconds(running), time.perf_counter()
            await asyncio.sleep(SECONDS_OF_IDLENESS)
            used = (web_seconds(running) - used) / (time.perf_counter() - begin)
            figures[f"idle_socket_kib_of_{count}"] = (web.resident_bytes() - idle) / count / 1024
            figures[f"idle_processor_percent_of_{count}"] = used * 100
        leaving.set()
    return figures


async def _keep(
    group: asyncio.TaskGroup, members: Sequence[Member], port: int, leaving: asyncio.Event
) -> None:
    """Connect all, and have a task keep them connected until all leave."""
    connected = asyncio.Event()

    async def keep() -> None:
        async with sockets_of(members, port):
            connected.set()
            await leaving.wait()

    group.create_task(keep())
    await connected.wait()


async def all_at_once(running: Product, count: int) -> dict[str, Any]:
    """Have all devices of one large conversation come in the same moment, as after a restart."""
    members = await run_once(enrol_together, count)
    await run_once(conversation_of, members)
    tickets = await run_once(tickets_for, members)
    used, begin = web_seconds(running), time.perf_counter()
    outcomes = await asyncio.gather(
        *(open_socket(running.web[0].port, ticket) for ticket in tickets), return_exceptions=True
    )
    seconds, used = time.perf_counter() - begin, web_seconds(running) - used
    came = [one for one in outcomes if isinstance(one, ClientConnection)]
    await asyncio.gather(*(one.close() for one in came))
    return {
        "at_once_devices": count,
        "at_once_failed": count - len(came),
        "at_once_seconds": seconds,
        "at_once_cpu_seconds": used,
    }


def web_seconds(running: Product) -> float:
    return running.cpu_seconds()["web"]


@transaction.atomic
def enrol_together(count: int) -> list[Member]:
    """Commit once: thousands of commits would take longer than the measurement."""
    return enrol_many(count)


def begin_many(members: Sequence[Member], count: int) -> None:
    """Give every two devices in turn a conversation, without what MLS would say in it."""
    pairs = [
        (members[2 * n % len(members)], members[(2 * n + 1) % len(members)]) for n in range(count)
    ]
    rooms = Conversation.objects.bulk_create(
        (
            Conversation(
                id=uuid4(),
                kind=Conversation.Kind.GROUP,
                cipher_suite=SUITE,
                founding_digest=hashlib.sha256(b"%d" % n).digest(),
                created_by=one.device,
            )
            for n, (one, _) in enumerate(pairs)
        ),
        batch_size=1000,
    )
    Membership.objects.bulk_create(
        (
            Membership(
                conversation=room,
                device=member.device,
                joined_position=0,
                delivered_position=0,
                leaf_index=leaf,
            )
            for room, pair in zip(rooms, pairs, strict=True)
            for leaf, member in enumerate(pair)
        ),
        batch_size=1000,
    )
