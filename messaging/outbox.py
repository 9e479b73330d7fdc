"""What one socket is still to be sent: bounded, so that a slow reader costs little."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import UUID

from securechat_sdk.wire.frames import CloseCode

if TYPE_CHECKING:  # the server class uses this module, and needs no models for it
    from accounts.services.callers import Caller

# The server's own extension of ASGI: a function that sends a text without waiting, if it can.
PUSH = "securechat.push"
MOST_FRAMES = 512
MOST_BEFORE_PASSING = 32
MOST_CHARACTERS = 4 * 1024 * 1024


class SharedText(str):  # noqa: SLOT000 - a text with an attribute cannot have slots
    """A frame that many sockets are sent; the server keeps with it what it made of it once."""

    wire: bytes | None = None


class Outbox:
    """Frames in the order in which they were put in; once closed, only the close code is left.

    Belongs to the event loop: call it from there only.
    """

    def __init__(
        self,
        device_id: UUID,
        caller: "Caller | None" = None,
        push: Callable[[str], bool] | None = None,
    ) -> None:
        self.device_id = device_id
        self.caller = caller
        self.push = push
        self._is_sending = False
        self.told_welcomes: set[UUID] = set()
        self.told_stock: object = None
        self._frames: list[str] = []  # never long; an empty deque takes 0.7 KiB
        self._characters = 0
        self._close_code: CloseCode | None = None
        self._something = asyncio.Event()

    @property
    def close_code(self) -> CloseCode | None:
        return self._close_code

    def put(self, frame: str) -> None:
        """Add a frame, or give the reader up: it catches up when it comes back."""
        if self._close_code is not None:
            return
        if self._is_idle and self.push is not None and self.push(frame):
            return
        if len(self._frames) >= MOST_FRAMES or self._characters > MOST_CHARACTERS:
            self.close(CloseCode.TOO_SLOW)
            return
        self._frames.append(frame)
        self._characters += len(frame)
        self._something.set()

    def put_in_passing(self, frame: str) -> None:
        """Add a frame that nobody misses, unless there is something to be read first."""
        if len(self._frames) < MOST_BEFORE_PASSING:
            self.put(frame)

    def close(self, code: CloseCode) -> None:
        """Drop what is waiting; the first code stays."""
        self._close_code = self._close_code or code
        self._frames.clear()
        self._something.set()

    @property
    def _is_idle(self) -> bool:
        """Nothing was put in before that is not sent yet."""
        return not self._frames and not self._is_sending

    async def take(self) -> str | None:
        """Return the next frame once the one before is sent, or None when it is to be closed."""
        self._is_sending = False
        while not self._frames and self._close_code is None:
            self._something.clear()
            await self._something.wait()
        if self._close_code is not None:
            return None
        frame = self._frames.pop(0)
        self._characters -= len(frame)
        self._is_sending = True
        return frame

    async def closed(self) -> None:
        """Wait until somebody closes it."""
        while self._close_code is None:
            self._something.clear()
            await self._something.wait()
