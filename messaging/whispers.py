"""What one socket may say in passing, such as that somebody is typing."""

import time

from django.conf import settings

from messaging.errors import EphemeralDisabled, EphemeralTooOften

BURST = 5.0
PER_SECOND = 1.0
MOST_MEMBERS = 100  # each frame goes to all of them


class WhisperBudget:
    """A few at once, then one a second; belongs to one socket."""

    def __init__(self) -> None:
        self._left = BURST
        self._at = time.monotonic()

    def spend(self) -> None:
        if not settings.CONFIG.ephemeral_enabled:
            raise EphemeralDisabled
        now = time.monotonic()
        self._left = min(BURST, self._left + (now - self._at) * PER_SECOND)
        self._at = now
        if self._left < 1:
            raise EphemeralTooOften(retry_after=1)
        self._left -= 1
