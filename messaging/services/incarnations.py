"""Which life of the server this is: a restored backup begins another.

What the old life acknowledged after the backup is gone, and its positions are given out again: a
client that has seen a higher position learns from a new incarnation that this is another log.
"""

from uuid import UUID, uuid4

from messaging.models import Installation


def current_incarnation() -> UUID:
    return Installation.objects.get_or_create()[0].incarnation


def begin_incarnation() -> None:
    Installation.objects.update_or_create(defaults={"incarnation": uuid4()})
