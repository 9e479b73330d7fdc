"""Ends what is overdue; called before each new capture and every few seconds in the worker."""

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from facelogin.lifecycle import WHEN_OVERDUE, Purpose, Reason, State
from facelogin.models import Attempt, Capture, FailureBudget, Frames, Preview
from facelogin.services import budgets, erasing, templates


def end_overdue() -> None:
    """End every capture and attempt whose time is over, and erase the frames with them."""
    now = timezone.now()
    overdue = Capture.objects.filter(expires_at__lte=now, state__in=WHEN_OVERDUE)
    for pk in list(overdue.values_list("pk", flat=True)):
        end_if_overdue(pk)
    for pk in list(Attempt.objects.filter(expires_at__lte=now).values_list("pk", flat=True)):
        erasing.erase_attempts(Attempt.objects.filter(pk=pk))
    templates.erase_expired()


@transaction.atomic
def end_if_overdue(capture_id: UUID) -> None:
    overdue = (
        Capture.objects.select_for_update(of=("self",))
        .select_related("attempt__person")
        .filter(pk=capture_id, expires_at__lte=timezone.now(), state__in=WHEN_OVERDUE)
        .first()
    )
    if overdue is None:
        return
    was = State(overdue.state)
    becomes = WHEN_OVERDUE[was]
    end(overdue, becomes, [Reason.TIME_OUT] if becomes is State.REFUSED else [])
    if was is State.QUEUED and overdue.attempt.purpose == Purpose.VERIFICATION:
        budgets.pay_back(overdue.attempt.person, FailureBudget.Kind.FACE)


def end(capture: Capture, state: State, reasons: list[Reason], result: bytes | None = None) -> None:
    """Write the end of a capture and erase its frames; call it while the row is locked."""
    if Frames.objects.filter(capture=capture).delete()[0]:
        erasing.clear_files_of_captures_on_commit()
    Preview.objects.filter(capture=capture).delete()
    capture.move_to(state)
    capture.reasons = [str(reason) for reason in reasons]
    capture.result = result
    capture.progress = 100
    capture.decided_at = timezone.now()
    told = ["state", "reasons", "result", "progress", "decided_at", "expires_at"]
    capture.save(update_fields=told)
