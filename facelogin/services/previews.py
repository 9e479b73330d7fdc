"""Looks at single frames while a capture is recorded, so that the page can guide.

Three steps: the web process offers a sealed frame, the worker looks at it, the web process collects
what was seen. The row is gone after the third, whatever came of the second.
"""

import hmac
import os
import time
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from kombu.exceptions import OperationalError

from facelogin import jpeg, sealing
from facelogin.access import capture_for
from facelogin.errors import BadCapture, CaptureExpired, CaptureUsed, TooManyPreviews
from facelogin.lifecycle import Reason, State
from facelogin.models import Capture, Preview
from facelogin.services import sweeping
from facelogin.services.attempts import key_for_browser

LOOK = "facelogin.look_at_preview"
UNSAID = "(a frame, and its salt)"  # what Celery logs of a job
MOST = 120  # of one capture
SPACING = timedelta(milliseconds=150)
PATIENCE = 1.0  # seconds until the page is told that nobody has looked
POLL = 0.03


@dataclass(frozen=True)
class Look:
    """What the worker saw: why the frame is of no use, or how far the head is turned."""

    hint: Reason | None
    turn: float | None


def offer_preview(
    *,
    attempt_id: UUID | None,
    capture_id: UUID,
    nonce: bytes,
    frame: bytes,
    secret: bytes | None,
) -> Preview:
    """Seal one frame of an open capture for the worker, if the last one was a moment ago."""
    sweeping.end_if_overdue(capture_id)
    with transaction.atomic():
        capture = capture_for(attempt_id, capture_id)
        if capture.state == State.EXPIRED:
            raise CaptureExpired
        if capture.state != State.OPEN:
            raise CaptureUsed
        if not hmac.compare_digest(nonce, bytes(capture.nonce)):
            raise BadCapture("The nonce is not the one of this capture.")
        key_for_browser(capture.attempt, secret)
        _check(frame)
        _take_turn(capture)
        preview, salt = _seal(capture, frame)
        transaction.on_commit(lambda: _enqueue(preview.pk, salt))
    return preview


def collect_preview(preview: Preview) -> Look | None:
    """Wait a moment for the worker, and forget the frame; ``None`` when nobody has looked."""
    deadline = time.monotonic() + PATIENCE
    try:
        while True:
            answer = Preview.objects.filter(pk=preview.pk).values_list("answer", flat=True).first()
            if answer is not None:
                hint = answer["hint"]
                return Look(Reason(hint) if hint else None, answer["turn"])
            if time.monotonic() >= deadline:
                return None
            time.sleep(POLL)
    finally:
        Preview.objects.filter(pk=preview.pk).delete()


def open_preview(preview: Preview, salt: bytes) -> bytes:
    """The frame; raises ``CannotOpenError`` when it was sealed for something else."""
    key = sealing.frames_key(settings.SERVER_SECRET, salt)
    return key.open(bytes(preview.sealed), about=_about(preview))


def answer_preview(preview_id: UUID, look: Look) -> None:
    """Say what was seen, and erase the frame with the same statement."""
    answer = {"hint": look.hint.value if look.hint else None, "turn": look.turn}
    Preview.objects.filter(pk=preview_id, answer__isnull=True).update(answer=answer, sealed=b"")


def _check(frame: bytes) -> None:
    try:
        jpeg.check(frame)
    except jpeg.BadJpegError as error:
        raise BadCapture(str(error)) from error


def _take_turn(capture: Capture) -> None:
    """One statement, so that many at once cannot share one turn."""
    now = timezone.now()
    taken = (
        Capture.objects.filter(pk=capture.pk, previews_taken__lt=MOST)
        .filter(Q(previewed_at__isnull=True) | Q(previewed_at__lte=now - SPACING))
        .update(previews_taken=F("previews_taken") + 1, previewed_at=now)
    )
    if not taken:
        raise TooManyPreviews


def _seal(capture: Capture, frame: bytes) -> tuple[Preview, bytes]:
    """The sealed frame, and the salt without which nothing opens it."""
    salt = os.urandom(sealing.KEY_BYTES)
    preview = Preview(capture=capture)
    key = sealing.frames_key(settings.SERVER_SECRET, salt)
    preview.sealed = key.seal(frame, about=_about(preview))
    preview.save(force_insert=True)
    return preview, salt


def _about(preview: Preview) -> bytes:
    return f"facelogin preview {preview.pk} {preview.capture_id}".encode()


def _enqueue(preview_id: UUID, salt: bytes) -> None:
    args = [str(preview_id), salt.hex()]
    try:
        current_app.send_task(LOOK, args=args, argsrepr=UNSAID, queue="face", expires=PATIENCE)
    except OperationalError:
        answer_preview(preview_id, Look(Reason.FAILED, None))
