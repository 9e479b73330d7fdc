"""What a device could not apply: told to the members and to administrators, by a code alone."""

from datetime import timedelta
from uuid import UUID

from django.db import transaction

from accounts.services.budgets import Budget, BudgetSpentError
from accounts.services.callers import Caller
from messaging import events
from messaging.access import acting_device, check_access, conversation_for, log_for
from messaging.errors import NoCommitThere, TooManyReports
from messaging.models import Entry, FailureReport

REPORTS = Budget(purpose="failure reports", limit=20, window=timedelta(hours=1))


@transaction.atomic
def report_failure(*, caller: Caller, conversation_id: UUID, position: int, code: str) -> None:
    """Note that the device could not apply the commit there; the same again means the same."""
    device = acting_device(caller.device.pk)
    check_access(caller)
    conversation = conversation_for(device, conversation_id)
    log = log_for(device, conversation_id).entries
    entry = log.filter(position=position, kind=Entry.Kind.COMMIT).exclude(sender=None).first()
    if entry is None:
        raise NoCommitThere
    if FailureReport.objects.filter(entry=entry, device=device).exists():
        return
    try:
        REPORTS.spend(device.pk)
    except BudgetSpentError as error:
        raise TooManyReports(retry_after=error.retry_after) from error
    FailureReport.objects.create(conversation=conversation, entry=entry, device=device, code=code)
    events.failure_reported(conversation.pk)
