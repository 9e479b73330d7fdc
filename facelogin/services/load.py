"""How much waits for the workers, and how soon they are through: for the dashboard, and the door.

Whoever would wait longer than a capture lives is told so before the camera opens, and when to come
back; the other factor is offered meanwhile.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median, quantiles

from django.utils import timezone

from facelogin.errors import FaceBusy
from facelogin.lifecycle import State
from facelogin.models import Capture, Judgement

LONGEST_WAIT = 40  # seconds; frames that were handed in live for 60
SLOWEST = 0.5  # captures a second, while nothing is known: one worker on a busy machine
SLOW = timedelta(seconds=15)  # somebody waits for so long: whoever comes now would wait longer
WAITED_FOR = timedelta(seconds=5)
LATEST_RETRY = 30  # seconds; longer, and the workers would stand idle when the rush is over
LATELY = timedelta(minutes=1)
KEPT = timedelta(days=1)
HANDED_IN = (State.QUEUED, State.RUNNING)


@dataclass(frozen=True)
class Load:
    """What the queue looks like now, and what it looked like in the last hour."""

    waiting: int
    oldest_seconds: float | None
    judged: int
    median_seconds: float | None
    slowest_twentieth_seconds: float | None


def check_room() -> None:
    """Raise :class:`FaceBusy` when a capture that begins now would come too late to be judged."""
    now = timezone.now()
    oldest = _waiting_since()
    if oldest is not None and oldest < now - SLOW:
        raise FaceBusy(retry_after=SLOW.seconds)
    too_many = _coming(now) - LONGEST_WAIT * _pace(now, oldest)
    if too_many > 0:
        raise FaceBusy(retry_after=min(LATEST_RETRY, math.ceil(too_many / SLOWEST) + 1))


def record_judgement(capture: Capture) -> None:
    """Call it when a capture that was queued is decided."""
    now = timezone.now()
    Judgement.objects.filter(decided_at__lt=now - KEPT).delete()
    Judgement.objects.create(queued_at=capture.queued_at or capture.created_at, decided_at=now)


def current_load() -> Load:
    now = timezone.now()
    oldest = _waiting_since()
    took = _seconds_since(now - timedelta(hours=1))
    return Load(
        waiting=Capture.objects.filter(state=State.QUEUED).count(),
        oldest_seconds=(now - oldest).total_seconds() if oldest else None,
        judged=len(took),
        median_seconds=median(took) if took else None,
        slowest_twentieth_seconds=quantiles(took, n=20)[-1] if len(took) > 1 else None,
    )


def _coming(now: datetime) -> int:
    """Who records counts once, in however many windows: nobody can fill the place alone."""
    alive = Capture.objects.filter(expires_at__gt=now)
    recording = alive.filter(state=State.OPEN).values("attempt__person").distinct()
    return recording.count() + alive.filter(state__in=HANDED_IN).count()


def _waiting_since() -> datetime | None:
    """When the one who has waited longest came."""
    queued = Capture.objects.filter(state=State.QUEUED, queued_at__isnull=False)
    return queued.order_by("queued_at").values_list("queued_at", flat=True).first()


def _pace(now: datetime, oldest: datetime | None) -> float:
    """Captures a second, as far as is known: what is judged while somebody waits is all there is.

    It is counted since that one came, for before that the workers may have had nothing to do.
    """
    if oldest is not None and oldest < now - WAITED_FOR:
        judged = Judgement.objects.filter(decided_at__gte=oldest).count()
        return judged / (now - oldest).total_seconds()
    lately = Judgement.objects.filter(decided_at__gte=now - LATELY).count()
    return max(SLOWEST, lately / LATELY.total_seconds())


def _seconds_since(begin: datetime) -> list[float]:
    rows = Judgement.objects.filter(decided_at__gte=begin).values_list("queued_at", "decided_at")
    return [(decided - queued).total_seconds() for queued, decided in rows]
