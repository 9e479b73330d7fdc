"""Removes what time has made useless: sessions, tickets, spent codes, budgets, tokens."""

from datetime import timedelta

from django.contrib.sessions.models import Session
from django.utils import timezone

from accounts.models import DeviceToken, SocketTicket, Spending, SpentCode

TOKENS_KEPT = timedelta(days=30)  # so that a list still shows why a script has stopped


def remove_expired() -> int:
    """Delete the rows that let nobody in and count nothing any more; return how many."""
    now = timezone.now()
    useless = (
        Session.objects.filter(expire_date__lte=now),
        SocketTicket.objects.filter(expires_at__lte=now),
        SpentCode.objects.filter(expires_at__lte=now),
        Spending.objects.filter(renews_at__lte=now),
        DeviceToken.objects.filter(expires_at__lte=now - TOKENS_KEPT),
    )
    return sum(rows.delete()[0] for rows in useless)
