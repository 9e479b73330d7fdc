"""Where sockets meet the database: a few threads, each with a connection that it keeps.

Django's own way closes connections by request, and a socket has none. Waiting callers are served
in their order; on SQLite a single thread writes, so that nobody starves in the busy handler.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.db import connection

P = ParamSpec("P")
T = TypeVar("T")


class DatabaseThreads:
    """Threads of one event loop. `close` them when nobody needs them; they start again by use."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._threads: list[ThreadPoolExecutor] = []
        self._free: asyncio.LifoQueue[ThreadPoolExecutor] = asyncio.LifoQueue()

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run the function to its end in the next free thread, also when the caller is gone."""
        if not self._threads:
            self._start()
        free = self._free
        thread = await free.get()
        # asgiref's way into the thread, so that what is called there finds back to this loop.
        enter = sync_to_async(_call, thread_sensitive=False, executor=thread)
        call = asyncio.ensure_future(enter(lambda: function(*args, **kwargs)))
        call.add_done_callback(lambda _: free.put_nowait(thread))
        return await asyncio.shield(call)

    def close(self) -> None:
        """Let running calls end, then close the connections and the threads."""
        for thread in self._threads:
            thread.submit(_close)
            thread.shutdown(wait=False)
        self._threads = []
        self._free = asyncio.LifoQueue()

    def _start(self) -> None:
        self._threads = [
            ThreadPoolExecutor(1, thread_name_prefix="database") for _ in range(self._count)
        ]
        for thread in self._threads:
            self._free.put_nowait(thread)


async def run_once(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run the function in a thread that keeps no connection."""
    enter = sync_to_async(_call_and_close, thread_sensitive=False)
    return await enter(lambda: function(*args, **kwargs))


def _call(function: Callable[[], T]) -> T:
    if connection.errors_occurred:
        connection.close_if_unusable_or_obsolete()
    return function()


def _close() -> None:
    connection.close()


def _call_and_close(function: Callable[[], T]) -> T:
    try:
        return function()
    finally:
        connection.close()
