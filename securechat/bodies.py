"""Bodies of requests that are not whole yet: they stay in memory, so together they have a limit."""

from typing import Protocol

from messaging.errors import Overloaded
from securechat_sdk.wire.errors import ChatError

MOST_UNFINISHED_BYTES = 32 * 1024 * 1024
TOO_MANY = "Too many requests are being sent at once, and this one was the slowest."


class Unfinished(Protocol):
    """A request whose body is still coming."""

    def refuse(self, error: ChatError) -> None: ...


class Bodies:
    """Counts what has come of all of them; beyond the limit the one that began first is refused."""

    def __init__(self) -> None:
        self._come: dict[Unfinished, int] = {}
        self._total = 0

    def grows(self, request: Unfinished, by: int) -> None:
        self._come[request] = self._come.get(request, 0) + by
        self._total += by
        while self._total > MOST_UNFINISHED_BYTES:
            oldest = next(iter(self._come))
            self.ends(oldest)
            oldest.refuse(Overloaded(TOO_MANY))

    def ends(self, request: Unfinished) -> None:
        """It is whole, refused or cut off."""
        self._total -= self._come.pop(request, 0)


BODIES = Bodies()
