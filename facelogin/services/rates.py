"""How many captures the worker judges for somebody, and for a network, in a stretch of time.

Failures at the face have a budget of their own (``budgets``). These are about the worker, whose
time is everybody's: for enrolments too, and for whoever holds many passwords.
"""

import hmac
import ipaddress
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import Person
from facelogin import sealing
from facelogin.errors import FaceLocked
from facelogin.models import Budget

OF_A_PERSON = 60
FROM_A_NETWORK = 600  # a large office in the morning
WINDOW = timedelta(hours=1)
IPV6_NETWORK = 64  # bits: what one household or host has


@transaction.atomic
def spend_capture(person: Person, address: str) -> None:
    """Pay for a capture and the looks at it before it starts; raises :class:`FaceLocked`."""
    _spend(f"person {person.pk}", OF_A_PERSON)
    _spend(f"network {network_of(address)}", FROM_A_NETWORK)


def network_of(address: str) -> str:
    found = ipaddress.ip_address(address)
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, IPV6_NETWORK), strict=False))


def _spend(subject: str, limit: int) -> None:
    """One statement takes a place, so that many at once cannot share it."""
    now = timezone.now()
    key = sealing.budget_key(settings.SERVER_SECRET)
    digest = hmac.digest(key, subject.encode(), "sha256")
    Budget.objects.filter(renews_at__lte=now).delete()
    Budget.objects.get_or_create(subject=digest, defaults={"renews_at": now + WINDOW})
    mine = Budget.objects.filter(subject=digest)
    if not mine.filter(spent__lt=limit).update(spent=F("spent") + 1):
        wait = mine.get().renews_at - now
        raise FaceLocked(retry_after=max(1, int(wait.total_seconds())))
