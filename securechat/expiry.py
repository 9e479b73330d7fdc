"""What the timetable deletes: messages and rows whose time is over, a few at a time."""

import time
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from accounts.services.sweeping import useless_rows
from facelogin.models import Budget
from facelogin.services.sweeping import end_overdue
from messaging.models import ClaimedKeyPackage, KeyPackage
from messaging.services import retention

AT_A_TIME = 500
PAUSE_SECONDS = 0.02


def sweep(*, now: datetime, dry_run: bool = False) -> dict[str, int]:
    """Delete what is due; return how many of each kind were, or would be."""
    if not dry_run:
        end_overdue()  # the face's worker does so every few seconds, but it may be away
    messages = retention.count_due if dry_run else retention.erase_due
    done = {"messages": messages(now=now)}
    for name, rows in rows_due(now).items():
        done[name] = rows.count() if dry_run else _delete(rows)
    return done


def rows_due(now: datetime) -> dict[str, QuerySet[Any]]:  # Any: rows of several models
    """Rows that nothing else needs; what an auditor may ask for is not among them."""
    return {
        **useless_rows(now),
        "face budgets": Budget.objects.filter(renews_at__lte=now),
        "key packages": KeyPackage.objects.filter(not_after__lte=now),
        "claims": ClaimedKeyPackage.objects.filter(expires_at__lte=now),
    }


def _delete(rows: QuerySet[Any]) -> int:
    """Each transaction is short: who logs in or sends meanwhile waits for one of them at most."""
    deleted = 0
    while keys := list(rows.values_list("pk", flat=True)[:AT_A_TIME]):
        rows.filter(pk__in=keys).delete()
        deleted += len(keys)
        time.sleep(PAUSE_SECONDS)
    return deleted
