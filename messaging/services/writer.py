"""The log's writer, one per process: what waits together is committed together.

Sockets and requests hand their messages over and wait. One thread takes all that wait, has
`run_batch` commit them as one transaction, and only then answers each. A commit costs the same for
one message as for hundreds, so the writer becomes faster the more there is to do.
"""

import asyncio
import logging
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future as ThreadFuture
from concurrent.futures import InvalidStateError
from contextlib import suppress
from dataclasses import dataclass

from django.db import DatabaseError, connection

from messaging import bulk
from messaging.errors import Overloaded
from messaging.metrics import WRITER_QUEUE, WRITER_QUEUE_BYTES
from messaging.services.batches import Job, Outcome, Send, run_batch
from messaging.services.durability import UNKNOWN, NotDurable
from messaging.services.log import Placed
from messaging.trouble import Trouble
from securechat_sdk.wire.errors import ChatError, Unavailable

logger = logging.getLogger(__name__)

MOST_WAITING = 2_000
MOST_BYTES_WAITING = 32 * 1024 * 1024
MOST_IN_BATCH = 256
MOST_BYTES_IN_BATCH = 4 * 1024 * 1024
SECONDS_TO_WAIT = 10.0
SECONDS_ONE_BY_ONE = 5.0
SECONDS_IDLE = 10.0

AnyFuture = asyncio.Future[Outcome] | ThreadFuture[Outcome]


@dataclass(frozen=True, slots=True, eq=False)
class Waiting:
    """A job, and where its outcome is awaited: in an event loop, or in a thread."""

    job: Job
    future: AnyFuture
    loop: asyncio.AbstractEventLoop | None

    @property
    def size(self) -> int:
        return len(self.job.ciphertext) if isinstance(self.job, Send) else 0


class LogWriter:
    """Its thread starts with the first job, and ends when there was nothing to do for a while."""

    def __init__(self, run: Callable[[Sequence[Job]], list[Outcome]] = run_batch) -> None:
        self._run_batch = run
        self._queue: deque[Waiting] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_closing = False
        self._trouble = Trouble(logger, "The log")

    async def place(self, job: Job) -> Placed:
        """Return when the job is durable; raises `ChatError` when it is refused."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Outcome] = loop.create_future()
        self._submit(Waiting(job, future, loop))
        try:
            async with asyncio.timeout(SECONDS_TO_WAIT):
                return _placed(await future)
        except TimeoutError:
            raise Unavailable(UNKNOWN) from None

    def place_and_wait(self, job: Job) -> Placed:
        """Do the same from a thread without an event loop."""
        future: ThreadFuture[Outcome] = ThreadFuture()
        self._submit(Waiting(job, future, None))
        try:
            return _placed(future.result(SECONDS_TO_WAIT))
        except TimeoutError:
            future.cancel()
            raise Unavailable(UNKNOWN) from None

    @property
    def waiting(self) -> int:
        return len(self._queue)

    @property
    def waiting_bytes(self) -> int:
        return self._bytes

    def close(self) -> None:
        """Wait until everything that was handed over is answered and the thread has ended."""
        with self._changed:
            thread, self._is_closing = self._thread, True
            self._changed.notify()
        if thread is not None:
            thread.join()
        self._is_closing = False

    def _submit(self, waiting: Waiting) -> None:
        with self._changed:
            if len(self._queue) >= MOST_WAITING or self._bytes > MOST_BYTES_WAITING:
                raise Overloaded
            self._queue.append(waiting)
            self._bytes += waiting.size
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="log-writer", daemon=True)
                self._thread.start()
            elif len(self._queue) == 1:
                self._changed.notify()

    # In the writer's thread ------------------------------------------------------------------

    def _work(self) -> None:
        try:
            while batch := self._take():
                _settle(batch, self._outcomes([waiting.job for waiting in batch]))
        finally:
            connection.close()

    def _take(self) -> list[Waiting]:
        """Return what waits, as far as it fits into a batch; nothing means that it is over."""
        with self._changed:
            while True:
                if batch := self._fill_batch():
                    return batch
                if self._is_closing or not self._changed.wait(SECONDS_IDLE):
                    if self._queue:
                        continue
                    self._thread = None
                    return []

    def _fill_batch(self) -> list[Waiting]:
        batch: list[Waiting] = []
        size = 0
        while self._queue and len(batch) < MOST_IN_BATCH and size < MOST_BYTES_IN_BATCH:
            waiting = self._queue.popleft()
            self._bytes -= waiting.size
            if not waiting.future.cancelled():  # nobody waits for it any more
                batch.append(waiting)
                size += waiting.size
        return batch

    def _outcomes(self, jobs: Sequence[Job]) -> list[Outcome]:
        try:
            outcomes = self._try(jobs)
        except NotDurable as error:
            self._trouble.begins(error)
            return [Unavailable(UNKNOWN) for _ in jobs]
        except Exception as error:  # noqa: BLE001 - the outermost edge of this thread
            if len(jobs) == 1 or (isinstance(error, DatabaseError) and _is_gone()):
                self._trouble.begins(error)
                return [Unavailable() for _ in jobs]
            return self._one_by_one(jobs)
        self._trouble.ends()
        return outcomes

    def _try(self, jobs: Sequence[Job]) -> list[Outcome]:
        if connection.errors_occurred:
            connection.close_if_unusable_or_obsolete()
        if connection.connection is None:
            bulk.keep_plans()
        return self._run_batch(jobs)

    def _one_by_one(self, jobs: Sequence[Job]) -> list[Outcome]:
        """Find the one that spoils the others; within a time, because more may be waiting."""
        deadline = time.monotonic() + SECONDS_ONE_BY_ONE
        outcomes: list[Outcome] = []
        for job in jobs:
            in_time = time.monotonic() < deadline
            outcomes += self._outcomes([job]) if in_time else [Unavailable()]
        return outcomes


def _is_gone() -> bool:
    """Is there no database to talk to? Asked after a failure; the next try connects anew."""
    if connection.connection is not None and connection.is_usable():
        return False
    connection.close()
    return True


def _placed(outcome: Outcome) -> Placed:
    if isinstance(outcome, ChatError):
        raise outcome
    return outcome


def _settle(batch: Sequence[Waiting], outcomes: Sequence[Outcome]) -> None:
    """Wake each event loop once for all of its own."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[AnyFuture, Outcome]]] = defaultdict(list)
    for waiting, outcome in zip(batch, outcomes, strict=True):
        if waiting.loop is not None:
            by_loop[waiting.loop].append((waiting.future, outcome))
        else:
            with suppress(InvalidStateError):  # cancelled, maybe just now: nobody is waiting
                waiting.future.set_result(outcome)
    for loop, settled in by_loop.items():
        with suppress(RuntimeError):  # the loop was closed: nobody is waiting
            loop.call_soon_threadsafe(_settle_in_loop, settled)


def _settle_in_loop(settled: Sequence[tuple[AnyFuture, Outcome]]) -> None:
    for future, outcome in settled:
        if not future.done():
            future.set_result(outcome)


WRITER = LogWriter()
WRITER_QUEUE.set_function(lambda: WRITER.waiting)
WRITER_QUEUE_BYTES.set_function(lambda: WRITER.waiting_bytes)
