"""One per process: reads what is new once and hands the same frame to every socket it concerns.

The hub follows the log of each conversation in which a connected device is a member. Rings tell
it where to look; a poll at most every 30 s finds what was not rung. Whatever goes wrong, nothing
is lost: sockets that were not served catch up by position.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack, aclosing, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import ParamSpec, TypeVar
from uuid import UUID
from weakref import WeakKeyDictionary

from django.db import connection

from accounts.services.callers import Caller, ended_callers
from messaging import bulk, doorbell, news
from messaging.doorbell import Ring, Ringer, What, Whisper
from messaging.errors import ConversationNotFound, EphemeralDisabled
from messaging.metrics import entry_handed_out
from messaging.news import MemberNow, RoomNow
from messaging.outbox import Outbox, SharedText
from messaging.services.key_packages import LOW
from messaging.threads import DatabaseThreads
from messaging.whispers import MOST_MEMBERS
from securechat_sdk.wire.codec import encode_event
from securechat_sdk.wire.frames import (
    CloseCode,
    DeliveryAdvanced,
    EntryAppended,
    EntryKind,
    EphemeralArrived,
    FailureReported,
    KeyPackagesLow,
    ServerFrame,
)

P = ParamSpec("P")
T = TypeVar("T")

logger = logging.getLogger(__name__)

POLL_SECONDS = 30.0
REVOCATION_SECONDS = 1.0
ACCESS_SECONDS = 5.0
COMMAND_THREADS = 8
DOOR_THREADS = 4
SECONDS_BEFORE_RETRY = 1.0
DEVICES_AT_A_TIME = 200
# Of one device in this process. All tabs of a browser share one, and scripts need a few; one that
# sends the largest frames as fast as it can costs 7.5 MiB, and a client may cost 64.
MOST_SOCKETS = 8


@dataclass(slots=True)
class Room:
    """A conversation in which a socket of this process takes part."""

    cursor: int
    members: Mapping[UUID, MemberNow]
    told_failures: frozenset[FailureReported] = frozenset()

    @property
    def listeners(self) -> set[UUID]:
        """Who is in it now; one who was removed may still read what was before."""
        return {device for device, member in self.members.items() if member.left_position is None}

    @property
    def audience(self) -> set[UUID]:
        """Who is in it now, or is still to hear that they are not."""
        return {
            device
            for device, member in self.members.items()
            if member.left_position is None or member.left_position > self.cursor
        }


@dataclass
class Rung:
    """What was rung since the hub last looked."""

    logs: dict[UUID, int | None] = field(default_factory=dict)
    marks: set[UUID] = field(default_factory=set)
    failures: set[UUID] = field(default_factory=set)
    devices: set[UUID] = field(default_factory=set)


class Hub:
    """Sockets come with `attach` and go with `detach`; call from one event loop only."""

    def __init__(self, *, poll_seconds: float = POLL_SECONDS) -> None:
        self._poll_seconds = poll_seconds
        self._loop = asyncio.get_running_loop()
        self._outboxes: dict[UUID, set[Outbox]] = defaultdict(set)
        self._rooms: dict[UUID, Room] = {}
        self._rung = Rung()
        self._something_rung = asyncio.Event()
        self._revocation_rung = asyncio.Event()
        self._access_rung = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._ringer: Ringer | None = None
        self._reader = DatabaseThreads(1)
        self.command_threads = DatabaseThreads(
            1 if connection.vendor == "sqlite" else COMMAND_THREADS
        )
        self._door = DatabaseThreads(1 if connection.vendor == "sqlite" else DOOR_THREADS)
        self._at_the_door = 0
        self._arriving: dict[UUID, None] = {}  # in their order
        # Held from a reading to its taking over, so that no older reading overwrites a newer one.
        self._reading = asyncio.Lock()

    async def at_the_door(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Find out who comes; of a crowd most wait, and use connections that are there."""
        self._at_the_door += 1
        try:
            return await self._door.run(function, *args, **kwargs)
        finally:
            self._at_the_door -= 1
            if not self._at_the_door:
                self._door.close()

    async def attach(self, outbox: Outbox) -> None:
        """From now on, what is new reaches the outbox; what is older is the device's to fetch.

        One too many is closed instead, and nothing is read for it.
        """
        if len(self._outboxes[outbox.device_id]) >= MOST_SOCKETS:
            outbox.close(CloseCode.TOO_MANY_SOCKETS)
            return
        self._outboxes[outbox.device_id].add(outbox)
        self._arriving[outbox.device_id] = None
        if not self._tasks:
            self._start()
        async with self._reading:
            while outbox.device_id in self._arriving:  # or it was read for with others
                await self._let_in(list(self._arriving)[:DEVICES_AT_A_TIME])

    async def _let_in(self, devices: Collection[UUID]) -> None:
        for room in await self._reader.run(news.rooms_of, devices):
            self._update_room(room)
        for device in devices:
            self._arriving.pop(device, None)

    def detach(self, outbox: Outbox) -> None:
        outboxes = self._outboxes[outbox.device_id]
        outboxes.discard(outbox)
        if outboxes:
            return
        del self._outboxes[outbox.device_id]
        self._arriving.pop(outbox.device_id, None)
        if not self._outboxes:
            self._stop()

    # Rings ---------------------------------------------------------------------------------

    def heard(self, rings: Collection[Ring], committed: Sequence[EntryAppended]) -> None:
        """Note rings, and what this process has committed; from any thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._note_all, rings, committed)

    def _note_all(self, rings: Collection[Ring], committed: Sequence[EntryAppended]) -> None:
        for entry in committed:
            room = self._rooms.get(entry.conversation_id)
            if room is not None and entry.position == room.cursor + 1:  # else it is read
                self._hand_out(room, entry)
        for ring in rings:
            self._note(ring)

    def _note(self, ring: Ring) -> None:
        match ring.what:
            case What.LOG:
                self._ring_log(ring.id, ring.position)
            case What.MARKS if ring.id in self._rooms:
                self._rung.marks.add(ring.id)
                self._something_rung.set()
            case What.FAILURES if ring.id in self._rooms:
                self._rung.failures.add(ring.id)
                self._something_rung.set()
            case What.DEVICE if ring.id in self._outboxes:
                self._rung.devices.add(ring.id)
                self._something_rung.set()
            case What.REVOCATIONS:
                self._revocation_rung.set()
            case What.ACCESS:
                self._access_rung.set()

    def _ring_log(self, conversation_id: UUID, position: int | None) -> None:
        """Look into the log; None when it is not known whether there is anything."""
        room = self._rooms.get(conversation_id)
        if room is None or (position is not None and position <= room.cursor):
            return
        before = self._rung.logs.get(conversation_id, 0)
        self._rung.logs[conversation_id] = (
            None if position is None or before is None else max(position, before)
        )
        self._something_rung.set()

    # Tasks ---------------------------------------------------------------------------------

    def _start(self) -> None:
        doorbell.add_listener(self.heard)
        self._ringer = Ringer() if doorbell.layer_to_others() is not None else None
        jobs: list[Callable[[], Awaitable[None]]] = [
            self._serve_rings,
            self._hear_others,
            self._poll,
            self._close_revoked,
            self._close_ended,
        ]
        self._tasks = [asyncio.create_task(_forever(job)) for job in jobs]

    def _stop(self) -> None:
        doorbell.remove_listener(self.heard)
        if self._ringer is not None:
            self._ringer.close()
            self._ringer = None
        for task in self._tasks:
            task.cancel()
        self._tasks = []
        self._rung = Rung()
        self._rooms = {}
        self._reader.close()
        self.command_threads.close()

    async def _serve_rings(self) -> None:
        await self._something_rung.wait()
        self._something_rung.clear()
        rung, self._rung = self._rung, Rung()
        with ExitStack() as undo:
            undo.callback(self._ring_again, rung)
            async with self._reading:
                await self._look_at_devices(rung.devices)
                await self._look_at_logs(rung.logs)
                await self._look_at_marks(rung.marks)
                await self._look_at_failures(rung.failures)
            undo.pop_all()

    def _ring_again(self, rung: Rung) -> None:
        self._rung.logs.update(dict.fromkeys(rung.logs))
        self._rung.marks |= rung.marks
        self._rung.failures |= rung.failures
        self._rung.devices |= rung.devices
        self._something_rung.set()

    async def _hear_others(self) -> None:
        async with aclosing(doorbell.rings_from_others(self._ringer)) as rings:
            async for ring in rings:
                if isinstance(ring, Whisper):
                    self._pass_on(ring)
                else:
                    self._note(ring)
        await asyncio.Event().wait()  # there are no other processes

    async def _poll(self) -> None:
        await asyncio.sleep(self._poll_seconds)
        self._forget_empty_rooms()
        seen: set[UUID] = set()
        for devices in _chunks(list(self._outboxes)):
            async with self._reading:
                seen |= await self._look_at_devices(devices)
        # Where nobody here is a member any more, somebody may not have been told so.
        for rooms in _chunks(list(self._rooms.keys() - seen)):
            for room, position in (await self._reader.run(news.last_positions, rooms)).items():
                self._ring_log(room, position)

    async def _close_revoked(self) -> None:
        with suppress(TimeoutError):  # a lost ring must not keep a socket open: look all the same
            await asyncio.wait_for(self._revocation_rung.wait(), REVOCATION_SECONDS)
        self._revocation_rung.clear()
        for device in await self._reader.run(bulk.unable_to_act, list(self._outboxes)):
            for outbox in self._outboxes.get(device, ()):
                outbox.close(CloseCode.DEVICE_REVOKED)

    async def _close_ended(self) -> None:
        """Close sockets whose session or token has ended while their device goes on."""
        with suppress(TimeoutError):  # as above
            await asyncio.wait_for(self._access_rung.wait(), ACCESS_SECONDS)
        self._access_rung.clear()
        callers: dict[Caller, list[Outbox]] = defaultdict(list)
        for outbox in chain.from_iterable(self._outboxes.values()):
            if outbox.caller is not None:
                callers[outbox.caller].append(outbox)
        for some in _chunks(list(callers)):
            for caller in await self._reader.run(ended_callers, some):
                for outbox in callers[caller]:
                    outbox.close(CloseCode.NOT_AUTHENTICATED)

    # Looking -------------------------------------------------------------------------------

    async def _look_at_devices(self, devices: Collection[UUID]) -> set[UUID]:
        """Welcomes first, so that a device has joined before it hears what follows.

        Returns the conversations that one of them is in.
        """
        seen: set[UUID] = set()
        for some in _chunks(list(devices)):
            for device, waiting in (await self._reader.run(news.news_of, some)).items():
                for outbox in self._outboxes.get(device, ()):
                    _tell_news(outbox, waiting)
            for room in await self._reader.run(news.rooms_of, some):
                seen.add(room.conversation_id)
                if there := room.members.keys() & set(some):  # or they left between two readings
                    self._enter_room(room, there)
        return seen

    async def _look_at_logs(self, logs: Mapping[UUID, int | None]) -> None:
        unknown = [room for room, position in logs.items() if position is None]
        known = {room: position for room, position in logs.items() if position is not None}
        reached = known | (await self._reader.run(news.last_positions, unknown) if unknown else {})
        cursors = {
            conversation_id: self._rooms[conversation_id].cursor
            for conversation_id, position in reached.items()
            if conversation_id in self._rooms and self._rooms[conversation_id].cursor < position
        }
        if not cursors:
            return
        following = await self._reader.run(news.logs_after, cursors)
        for conversation_id, entries in following.items():
            await self._pass_on_log(conversation_id, entries)
        if (
            following
        ):  # what did not fit into one reading; but never ask again for what is not there
            for conversation_id in cursors:
                self._ring_log(conversation_id, reached[conversation_id])

    async def _pass_on_log(self, conversation_id: UUID, entries: Sequence[EntryAppended]) -> None:
        if any(entry.kind is EntryKind.COMMIT for entry in entries):
            await self._meet_new_members(conversation_id)
        room = self._rooms.get(conversation_id)
        if room is None:  # its last socket left meanwhile
            return
        for entry in entries:
            if entry.position > room.cursor:  # or it was committed here while it was read
                self._hand_out(room, entry)

    async def _meet_new_members(self, conversation_id: UUID) -> None:
        known = self._rooms.get(conversation_id)
        cursor = None if known is None else known.cursor
        look = partial(news.rooms_now, [conversation_id], left_after=cursor)
        for room in await self._reader.run(look):
            new = room.members.keys() - (known.members.keys() if known else set())
            await self._look_at_devices(new & self._outboxes.keys())
            self._update_room(room)

    async def _look_at_marks(self, conversation_ids: Collection[UUID]) -> None:
        if conversation_ids:
            for room in await self._reader.run(news.rooms_now, conversation_ids):
                self._update_room(room)

    async def _look_at_failures(self, conversation_ids: Collection[UUID]) -> None:
        if not conversation_ids:
            return
        recent: dict[UUID, list[FailureReported]] = defaultdict(list)
        for failure in await self._reader.run(news.failures_in, conversation_ids):
            recent[failure.conversation_id].append(failure)
        for conversation_id in conversation_ids:
            if room := self._rooms.get(conversation_id):
                self._tell_failures(room, recent[conversation_id])

    def _tell_failures(self, room: Room, recent: Collection[FailureReported]) -> None:
        for failure in recent:
            if failure not in room.told_failures:
                for device in room.listeners & self._outboxes.keys():
                    self._put(device, _text(failure))
        room.told_failures = frozenset(recent)  # what is older does not come again

    # Rooms ---------------------------------------------------------------------------------

    def _update_room(self, now: RoomNow, *, cursor: int | None = None) -> None:
        """Take over who is in it; a room that is new here begins at its present end."""
        room = self._rooms.get(now.conversation_id)
        if room is not None:
            self._tell_marks(room, now)
            room.members = now.members
        elif now.members.keys() & self._outboxes.keys():
            begin = now.last_position if cursor is None else cursor
            self._rooms[now.conversation_id] = Room(begin, now.members)
            # Between the reading and here a ring may have found no room to look into.
            self._ring_log(now.conversation_id, None)

    def _enter_room(self, now: RoomNow, devices: Collection[UUID]) -> None:
        """Connected devices are in it; if it is new here, they have seen nothing of it yet."""
        self._update_room(now, cursor=min(now.members[one].joined_position for one in devices))
        self._ring_log(now.conversation_id, now.last_position)

    def _forget_empty_rooms(self) -> None:
        """Once in a while: a look at all rooms for each socket that goes would cost too much."""
        self._rooms = {
            conversation_id: room
            for conversation_id, room in self._rooms.items()
            if room.audience & self._outboxes.keys()
        }

    # Handing out ---------------------------------------------------------------------------

    def _hand_out(self, room: Room, entry: EntryAppended) -> None:
        room.cursor = entry.position
        frame = _text(entry)
        sockets = 0
        for device in room.members.keys() & self._outboxes.keys():
            if room.members[device].may_read(entry.position):
                self._put(device, frame)
                sockets += len(self._outboxes[device])
        entry_handed_out(sockets, entry.created_at)

    def _tell_marks(self, room: Room, now: RoomNow) -> None:
        for device, member in now.members.items():
            before = room.members.get(device)
            if before is None or member.delivered_position <= before.delivered_position:
                continue
            frame = _text(
                DeliveryAdvanced(
                    conversation_id=now.conversation_id,
                    device_id=device,
                    position=member.delivered_position,
                )
            )
            for other in (now.members.keys() & self._outboxes.keys()) - {device}:
                self._put(other, frame)

    def whisper(self, whisper: Whisper) -> None:
        """Hand on what a member says in passing; raises `ChatError` when it is none."""
        room = self._rooms.get(whisper.conversation_id)
        if room is None or whisper.sender_device_id not in room.listeners:
            raise ConversationNotFound
        if len(room.listeners) > MOST_MEMBERS:
            raise EphemeralDisabled
        self._pass_on(whisper)
        if self._ringer is not None:
            self._ringer.whisper(whisper)

    def _pass_on(self, whisper: Whisper) -> None:
        room = self._rooms.get(whisper.conversation_id)
        if room is None:
            return
        frame = _text(
            EphemeralArrived(
                conversation_id=whisper.conversation_id,
                epoch=whisper.epoch,
                sender_device_id=whisper.sender_device_id,
                data=whisper.data,
            )
        )
        for device in (room.listeners & self._outboxes.keys()) - {whisper.sender_device_id}:
            for outbox in self._outboxes[device]:
                outbox.put_in_passing(frame)

    def _put(self, device: UUID, frame: str) -> None:
        for outbox in self._outboxes[device]:
            outbox.put(frame)


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def hub_of_this_process() -> Hub:
    """Return the hub of the running event loop; a process has one of each."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
    return _hubs[loop]


def _tell_news(outbox: Outbox, waiting: news.DeviceNews) -> None:
    for welcome in waiting.welcomes:
        if welcome.welcome_id not in outbox.told_welcomes:
            outbox.told_welcomes.add(welcome.welcome_id)
            outbox.put(_text(welcome))
    stock = waiting.key_packages
    is_low = stock.available < LOW or not stock.has_last_resort
    if is_low and stock != outbox.told_stock:
        outbox.put(_text(KeyPackagesLow(available=stock.available)))
    outbox.told_stock = stock


def _text(frame: ServerFrame) -> str:
    return SharedText(encode_event(frame).decode())


def _chunks(things: Sequence[T]) -> Iterable[Sequence[T]]:
    for start in range(0, len(things), DEVICES_AT_A_TIME):
        yield things[start : start + DEVICES_AT_A_TIME]


async def _forever(job: Callable[[], Awaitable[None]]) -> None:
    """Run the job again and again; a database or doorbell that is down must not end the hub."""
    while True:
        try:
            await job()
        except Exception:  # the outermost edge of the hub
            logger.exception("The hub failed; it tries again.")
            await asyncio.sleep(SECONDS_BEFORE_RETRY)
