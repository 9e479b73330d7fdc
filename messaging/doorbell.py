"""The doorbell: tells every process what to look at again, and never what there is to see.

The channel layer loses messages silently and forgets groups, so nothing depends on a ring: who
missed one finds out at the next poll.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec
from asgiref.sync import async_to_sync
from channels.layers import InMemoryChannelLayer, get_channel_layer
from msgspec import Struct

GROUP = "doorbell"
SECONDS_TO_RING = 2.0
SECONDS_OF_SUBSCRIPTION = 30.0


class What(StrEnum):
    """What to look at again."""

    LOG = "log"  # of the conversation ``id``, up to ``position``
    MARKS = "marks"  # of the conversation ``id``
    DEVICE = "device"  # what waits for the device ``id``
    REVOCATIONS = "revocations"  # of any device


class Ring(Struct, frozen=True):
    """One ring; everything in it can be had from the database."""

    what: What
    id: UUID
    position: int = 0


Listener = Callable[[Ring], None]

_listeners: set[Listener] = set()


def add_listener(listener: Listener) -> None:
    """Have every ring of this process and, while `rings_from_others` runs, of all others.

    The listener is called from any thread.
    """
    _listeners.add(listener)


def remove_listener(listener: Listener) -> None:
    _listeners.discard(listener)


def ring(ring: Ring) -> None:
    """Ring here, where nothing is lost, and then in the other processes."""
    for listener in tuple(_listeners):
        listener(ring)
    layer = _layer_to_others()
    if layer is not None:
        async_to_sync(_ring_elsewhere)(layer, ring)


async def rings_from_others() -> AsyncGenerator[Ring]:
    """Subscribe this process, once; ends at once where there are no other processes."""
    layer = _layer_to_others()
    if layer is None:
        return
    channel = await layer.new_channel()
    try:
        while True:
            await layer.group_add(GROUP, channel)  # again and again: a flushed Redis forgets groups
            renewal = time.monotonic() + SECONDS_OF_SUBSCRIPTION
            while (left := renewal - time.monotonic()) > 0:
                ring = await _next_ring(layer, channel, left)
                if ring is not None:
                    yield ring
    finally:
        # A channel that nobody reads fills up, and every ring would still be put into it.
        await layer.group_discard(GROUP, channel)


async def _next_ring(layer: Any, channel: str, seconds: float) -> Ring | None:
    try:
        message = await asyncio.wait_for(layer.receive(channel), seconds)
    except TimeoutError:
        return None
    return msgspec.convert(message["ring"], Ring)


async def _ring_elsewhere(layer: Any, ring: Ring) -> None:
    message = {"type": "ring", "ring": msgspec.to_builtins(ring)}
    await asyncio.wait_for(layer.group_send(GROUP, message), SECONDS_TO_RING)


def _layer_to_others() -> Any:
    """Return the channel layer, unless it is the one in memory, which reaches only this process.

    Any: channels has no types.
    """
    layer = get_channel_layer()
    return None if isinstance(layer, InMemoryChannelLayer) else layer
