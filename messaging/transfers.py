"""How many files may be on their way at once in this process: each costs a thread and a block.

Counted in memory on purpose: what is bounded is this process's own memory and threads.
"""

import weakref
from collections import Counter
from collections.abc import Callable, Hashable
from threading import Lock

from messaging.errors import TooManyTransfers

RETRY_SECONDS = 1


class Transfers:
    """Places for transfers; whoever holds one gives it back, or is collected."""

    def __init__(self, *, most: int, most_for_one: int) -> None:
        self.most = most
        self.most_for_one = most_for_one
        self._lock = Lock()
        self._taken: Counter[Hashable] = Counter()

    def begin(self, who: Hashable, holder: object) -> Callable[[], object]:
        """Take a place for as long as ``holder`` lives; calling the answer ends it earlier."""
        with self._lock:
            if self._taken.total() >= self.most or self._taken[who] >= self.most_for_one:
                raise TooManyTransfers(retry_after=RETRY_SECONDS)
            self._taken[who] += 1
        return weakref.finalize(holder, self._end, who)

    def _end(self, who: Hashable) -> None:
        with self._lock:
            self._taken[who] -= 1
            if not self._taken[who]:
                del self._taken[who]


UPLOADS = Transfers(most=16, most_for_one=4)
DOWNLOADS = Transfers(most=32, most_for_one=6)
