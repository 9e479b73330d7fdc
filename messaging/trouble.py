"""Something that is out of order is said once, and once more when it works again."""

import logging
import time


class Trouble:
    """Whether a thing works; logs only when that changes."""

    def __init__(self, logger: logging.Logger, thing: str) -> None:
        self._logger = logger
        self._thing = thing
        self._since: float | None = None

    def begins(self, error: Exception) -> None:
        """Name the kind of the error only: its text may hold addresses or values."""
        if self._since is None:
            self._logger.warning("%s is out of order (%s).", self._thing, type(error).__name__)
        self._since = time.monotonic()

    def ends(self) -> None:
        if self._since is not None:
            self._logger.warning("%s works again.", self._thing)
        self._since = None

    def began_within(self, seconds: float) -> bool:
        return self._since is not None and time.monotonic() - self._since < seconds
