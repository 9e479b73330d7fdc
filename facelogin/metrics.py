"""How many captures wait to be judged; read from the database when somebody asks."""

from collections.abc import Iterator

from django.db import DatabaseError
from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from facelogin.lifecycle import State
from facelogin.models import Capture


class FaceQueue(Collector):
    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Say nothing when the database is away: no figure is better than a wrong one."""
        try:
            waiting = Capture.objects.filter(state=State.QUEUED).count()
        except DatabaseError:
            return
        yield GaugeMetricFamily(
            "securechat_face_queue", "Captures that wait for a face worker.", value=waiting
        )

    def describe(self) -> list[GaugeMetricFamily]:
        """Registering must not ask the database."""
        return []


def count_face_queue() -> None:
    REGISTRY.register(FaceQueue())
