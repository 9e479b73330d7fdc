"""The doorbell: tells every process what to look at again, and never what there is to see.

The channel layer loses messages silently, so nothing depends on a ring: who missed one finds out
at the next poll. A doorbell that is out of order costs nobody's command more
than a moment.
"""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

import msgspec
from channels import DEFAULT_CHANNEL_LAYER
from channels.layers import InMemoryChannelLayer, channel_layers, get_channel_layer
from msgspec import Struct

from messaging.trouble import Trouble
from securechat_sdk.wire.frames import EntryAppended

logger = logging.getLogger(__name__)

GROUP = "doorbell"
NOBODY = ""
SECONDS_TO_RING = 2.0
SECONDS_BEFORE_RETRY = 1.0
SECONDS_OF_SILENCE = 10.0
MOST_WAITING = 10_000
MOST_WHISPERS = 500


class What(StrEnum):
    """What to look at again."""

    LOG = "log"  # of the conversation ``id``, up to ``position``
    MARKS = "marks"  # of the conversation ``id``
    FAILURES = "failures"  # of devices to apply a commit, in the conversation ``id``
    DEVICE = "device"  # what waits for the device ``id``
    REVOCATIONS = "revocations"  # of any device
    ACCESS = "access"  # of any session or token


class Ring(Struct, frozen=True):
    """One ring; everything in it can be had from the database."""

    what: What
    id: UUID
    position: int = 0


class Whisper(Struct, frozen=True):
    """Something said in passing: ciphertext that is handed on now, or never."""

    conversation_id: UUID
    sender_device_id: UUID
    epoch: int
    data: bytes


Listener = Callable[[Collection[Ring], Sequence[EntryAppended]], None]

_listeners: set[Listener] = set()
_ringers: list["Ringer"] = []


def add_listener(listener: Listener) -> None:
    """Have every ring of this process and, while `rings_from_others` runs, of all others.

    The listener is called from any thread.
    """
    _listeners.add(listener)


def remove_listener(listener: Listener) -> None:
    _listeners.discard(listener)


def ring(*rings: Ring, committed: Sequence[EntryAppended] = ()) -> None:
    """Ring here, where nothing is lost, and have it rung in the other processes.

    What was `committed` in this process it need not read again.
    """
    for listener in tuple(_listeners):
        listener(rings, committed)
    if any(ringer.take(rings) for ringer in tuple(_ringers)):
        return
    if layer_to_others() is not None:
        _ring_at_once(rings)


def layer_to_others() -> Any:
    """Return the channel layer, unless it is the one in memory, which reaches only this process.

    Any: channels has no types.
    """
    layer = get_channel_layer()
    return None if isinstance(layer, InMemoryChannelLayer) else layer


def _trouble() -> Trouble:
    return Trouble(logger, "The doorbell")


class Ringer:
    """Rings in the other processes, from this event loop; what waits becomes one message."""

    def __init__(self) -> None:
        self.id = uuid4().hex
        self._loop = asyncio.get_running_loop()
        self._guard = threading.Lock()
        self._waiting: dict[tuple[What, UUID], Ring] = {}
        self._whispers: deque[Whisper] = deque(maxlen=MOST_WHISPERS)
        self._something = asyncio.Event()
        self._is_open = True
        self._trouble = _trouble()
        self._task = self._loop.create_task(self._run())
        _ringers.append(self)

    def take(self, rings: Collection[Ring]) -> bool:
        """Take over rings, from any thread; False when this event loop is gone."""
        with self._guard:
            was_empty = not self._waiting
            for ring in rings:
                self._keep(ring)
        if was_empty:
            try:
                self._loop.call_soon_threadsafe(self._something.set)
            except RuntimeError:  # the loop is closed
                return False
        return True

    def whisper(self, whisper: Whisper) -> None:
        """Say it in the other processes; from this event loop, and without any promise."""
        self._whispers.append(whisper)
        self._something.set()

    def close(self) -> None:
        """Take no more; what waits is still rung, if that works at once."""
        _ringers.remove(self)
        self._is_open = False
        self._something.set()

    async def _run(self) -> None:
        layer = layer_to_others()
        while layer is not None and (self._is_open or self._waiting):
            await self._something.wait()
            self._something.clear()
            rings, whispers = self._take_all(), tuple(self._whispers)
            self._whispers.clear()  # whatever comes of them: nobody says them again
            something = rings or whispers
            if something and not await self._ring(layer, rings, whispers) and self._is_open:
                self._put_back(rings)
                await asyncio.sleep(SECONDS_BEFORE_RETRY)
                self._something.set()

    async def _ring(
        self, layer: Any, rings: Collection[Ring], whispers: Collection[Whisper]
    ) -> bool:
        try:
            await _send(layer, self.id, rings, whispers)
        except Exception as error:  # noqa: BLE001 - whatever a channel layer may raise
            self._trouble.begins(error)
            return False
        self._trouble.ends()
        return True

    def _take_all(self) -> list[Ring]:
        with self._guard:
            rings, self._waiting = self._waiting, {}
        return list(rings.values())

    def _put_back(self, rings: Collection[Ring]) -> None:
        with self._guard:
            for ring in rings:
                self._keep(ring)

    def _keep(self, ring: Ring) -> None:
        """Many rings for one thing are one; when far too many wait, polls find them all."""
        earlier = self._waiting.get((ring.what, ring.id))
        if earlier is None or earlier.position < ring.position:
            self._waiting[ring.what, ring.id] = ring
        if len(self._waiting) > MOST_WAITING:
            self._waiting = {(ring.what, ring.id): ring}


async def rings_from_others(own: Ringer | None = None) -> AsyncGenerator[Ring | Whisper]:
    """Subscribe this process, once; ends at once where there are no other processes.

    What its own ringer rings is left out: it was heard, and said, without going through the layer.
    """
    layer = layer_to_others()
    if layer is None:
        return
    trouble = _trouble()
    while True:
        try:
            async for message in _messages(layer):
                trouble.ends()
                if own is not None and message["from"] == own.id:
                    continue
                for ring in msgspec.convert(message["rings"], list[Ring]):
                    yield ring
                for whisper in msgspec.convert(message["whispers"], list[Whisper]):
                    yield whisper
        except Exception as error:  # noqa: BLE001 - whatever a channel layer may raise
            trouble.begins(error)
            await asyncio.sleep(SECONDS_BEFORE_RETRY)


async def _messages(layer: Any) -> AsyncGenerator[dict[str, Any]]:
    """Subscribe, and listen; the layer itself connects and subscribes again when it has to."""
    channel = await asyncio.wait_for(layer.new_channel(), SECONDS_TO_RING)
    try:
        await asyncio.wait_for(layer.group_add(GROUP, channel), SECONDS_TO_RING)
        while True:
            yield await layer.receive(channel)
    finally:
        await _unsubscribe(layer, channel)


async def _unsubscribe(layer: Any, channel: str) -> None:
    try:
        await asyncio.wait_for(layer.group_discard(GROUP, channel), SECONDS_TO_RING)
    except Exception:  # noqa: BLE001 - whatever a channel layer may raise
        logger.debug("The doorbell was not told that a listener left.")


async def _send(
    layer: Any, origin: str, rings: Collection[Ring], whispers: Collection[Whisper] = ()
) -> None:
    message = {
        "type": "rings",
        "from": origin,
        "rings": [msgspec.to_builtins(ring) for ring in rings],
        "whispers": [msgspec.to_builtins(whisper) for whisper in whispers],
    }
    await asyncio.wait_for(layer.group_send(GROUP, message), SECONDS_TO_RING)


_trouble_at_once = _trouble()


def _ring_at_once(rings: Collection[Ring]) -> None:
    """Ring from a process without sockets, such as a command or a worker."""
    if _trouble_at_once.began_within(
        SECONDS_OF_SILENCE
    ):  # each further try would cost its time again
        return
    try:
        asyncio.run(_ring_and_hang_up(rings))
    except Exception as error:  # noqa: BLE001 - whatever a channel layer may raise
        _trouble_at_once.begins(error)
    else:
        _trouble_at_once.ends()


async def _ring_and_hang_up(rings: Collection[Ring]) -> None:
    """Use a layer of its own: its connections belong to this event loop, and close with it."""
    await _send(channel_layers.make_backend(DEFAULT_CHANNEL_LAYER), NOBODY, rings)
