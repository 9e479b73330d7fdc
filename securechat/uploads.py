"""Django's handler, with parts of files handed to their view while they come in.

Django's own handler reads each body to its end first, and what is large goes to a temporary file
outside of the data folder. A part of a file is asked for by the view instead, block by block, once
it knows who sends it and that it is wanted.
"""

import asyncio
import re
from typing import Any

from django.core.handlers.asgi import ASGIHandler

MAX_PART_BYTES = 8 * 1024 * 1024
STALL_SECONDS = 10
PART_SECONDS = 300  # 4 MiB in this time are 14 KiB/s
PART_ADDRESS = re.compile(rb"/api/v1/attachments/[0-9a-f-]{36}")

# Messages are ASGI's, which has no types: hence Any.


def is_part(method: bytes, path: bytes) -> bool:
    return method == b"PATCH" and PART_ADDRESS.fullmatch(path) is not None


class IncomingPart:
    """A request's body while it comes in: a file to the view, what is left of ASGI to Django."""

    def __init__(self, receive: Any) -> None:
        self._receive = receive
        self._loop = asyncio.get_running_loop()
        self._deadline = self._loop.time() + PART_SECONDS
        self._rest = b""
        self._whole = asyncio.Event()

    async def __call__(self) -> Any:
        """What Django waits for meanwhile: that the client goes. Who reads the body sees it."""
        await self._whole.wait()
        return await self._receive()

    def read(self, size: int) -> bytes:
        """Called in the view's thread; raises `OSError` when nothing comes any more."""
        if not self._rest and not self._whole.is_set():
            coming = asyncio.run_coroutine_threadsafe(self._next(), self._loop)
            self._rest = coming.result(STALL_SECONDS + 1)  # the loop may end before it comes
        block, self._rest = self._rest[:size], self._rest[size:]
        return block

    def close(self) -> None:
        """Nothing to close: it is Django that closes its bodies."""

    async def _next(self) -> bytes:
        patience = min(STALL_SECONDS, self._deadline - self._loop.time())
        async with asyncio.timeout(patience):
            message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError
        if not message.get("more_body", False):
            self._whole.set()
        body: bytes = message.get("body", b"")
        return body


class PartHandler(ASGIHandler):
    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        if not is_part(scope["method"].encode(), scope["path"].encode()):
            await super().handle(scope, receive, send)
            return
        await super().handle(scope, IncomingPart(receive), send)

    async def read_body(self, receive: Any) -> Any:
        return receive if isinstance(receive, IncomingPart) else await super().read_body(receive)
