"""What time has made useless: sessions, tickets, spent codes, budgets, tokens."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.sessions.models import Session
from django.db.models import QuerySet

from accounts.models import DeviceToken, SocketTicket, Spending, SpentCode

TOKENS_KEPT = timedelta(days=30)  # so that a list still shows why a script has stopped


def useless_rows(now: datetime) -> dict[str, QuerySet[Any]]:  # Any: rows of several models
    """Rows that let nobody in and count nothing any more, by what an operator calls them."""
    return {
        "sessions": Session.objects.filter(expire_date__lte=now),
        "socket tickets": SocketTicket.objects.filter(expires_at__lte=now),
        "spent codes": SpentCode.objects.filter(expires_at__lte=now),
        "budgets": Spending.objects.filter(renews_at__lte=now),
        "tokens": DeviceToken.objects.filter(expires_at__lte=now - TOKENS_KEPT),
    }
