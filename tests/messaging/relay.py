"""The relay as two processes would run it, with writers and a hub that can die at any moment."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any
from uuid import UUID

from channels.layers import channel_layers
from django.db import connection, transaction

from messaging.hub import Hub
from messaging.outbox import Outbox
from messaging.services.batches import Job, Outcome, run_batch
from messaging.services.log import Placed
from messaging.services.writer import LogWriter
from securechat_sdk.wire.codec import decode_server_frame
from securechat_sdk.wire.errors import ChatError
from securechat_sdk.wire.frames import EntryAppended

SECONDS = 20.0  # what never comes is a failure; what comes late on a busy machine is none
POLL_SECONDS = 0.3

Call = Callable[[], Awaitable[Placed | None]]


class Killed(Exception):
    """The process is no more."""


def killed_before_the_commit(jobs: Sequence[Job]) -> list[Outcome]:
    """Write everything, and lose the connection while the transaction is open."""
    with transaction.atomic():
        run_batch(jobs)
        raw: Any = connection.connection  # of either driver
        raw.close()
        raise Killed


def killed_after_the_commit(jobs: Sequence[Job]) -> list[Outcome]:
    """Store everything, and be gone before anybody is answered."""
    run_batch(jobs)
    raise Killed


class Socket:
    """A connected device that reads at once whatever it is given."""

    def __init__(self, device_id: UUID) -> None:
        self.outbox = Outbox(device_id, push=self._read)
        self.unread: list[EntryAppended] = []

    def _read(self, frame: str) -> bool:
        event = decode_server_frame(frame.encode())
        if isinstance(event, EntryAppended):
            self.unread.append(event)
        return True


class RunningRelay:
    """Two writers and a hub, on an event loop that runs while something is asked of them."""

    def __init__(self) -> None:
        channel_layers.backends.clear()  # a layer keeps locks of the loop it was used in
        self._runner = asyncio.Runner()
        self.writers = [LogWriter(), LogWriter()]
        self.sockets: dict[str, Socket] = {}
        self._hub = self._runner.run(_new_hub())

    def together(self, calls: Collection[Call]) -> list[int | type[ChatError]]:
        """Run the calls side by side; return the position of each, 0 for none, or its refusal."""
        return self._runner.run(_gather(calls))

    def attach(self, name: str, device_id: UUID) -> None:
        self.sockets[name] = Socket(device_id)
        self._runner.run(self._hub.attach(self.sockets[name].outbox))

    def detach(self, name: str) -> None:
        socket = self.sockets.pop(name)
        self._runner.run(_call(self._hub.detach, socket.outbox))

    def wait_until(self, is_so: Callable[[], bool]) -> bool:
        """Let the hub work until it is so, and a moment longer; False when it never is."""
        return self._runner.run(_wait_until(is_so))

    def kill(self, run: Callable[[Sequence[Job]], list[Outcome]]) -> None:
        """Let the first process die with its next batch, and its sockets now."""
        for name in list(self.sockets):
            self.detach(name)
        self.writers[0].close()
        self.writers[0] = LogWriter(run)

    def restart(self) -> None:
        self.writers[0].close()
        self.writers[0] = LogWriter()
        self._hub = self._runner.run(_new_hub())

    def close(self) -> None:
        for name in list(self.sockets):
            self.detach(name)
        for writer in self.writers:
            writer.close()
        self._runner.close()


async def _new_hub() -> Hub:
    return Hub(poll_seconds=POLL_SECONDS)


async def _call(function: Callable[[Outbox], None], outbox: Outbox) -> None:
    function(outbox)


async def _gather(calls: Collection[Call]) -> list[int | type[ChatError]]:
    return await asyncio.gather(*map(_answer, calls))


async def _answer(call: Call) -> int | type[ChatError]:
    try:
        placed = await call()
    except ChatError as refusal:
        return type(refusal)
    return placed.position if placed else 0


async def _wait_until(is_so: Callable[[], bool]) -> bool:
    try:
        async with asyncio.timeout(SECONDS):
            while not is_so():  # noqa: ASYNC110 - the hub has nothing to tell that it is done
                await asyncio.sleep(0.002)
    except TimeoutError:
        return False
    await asyncio.sleep(0)
    return True
