"""Starts a capture, takes its frames, and completes what a passed one was made for."""

import hmac
import os
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import msgspec
from celery import current_app
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from accounts.factors import enrolled_codes
from facelogin import jpeg, sealing
from facelogin.access import capture_for, has_template, hold_attempts
from facelogin.challenge import draw_challenge
from facelogin.errors import (
    BadCapture,
    CaptureExpired,
    CaptureNotPassed,
    CaptureUsed,
    FaceDisabled,
    FaceLocked,
)
from facelogin.lifecycle import MAX_BYTES, MAX_FRAMES, MIN_FRAMES, Purpose, Reason, State
from facelogin.models import Attempt, Capture, FailureBudget, Frames
from facelogin.sealing import CannotOpenError, Key
from facelogin.services import budgets, events, load, rates, sweeping, templates
from facelogin.services.attempts import key_for_browser
from facelogin.services.events import Kind
from securechat_sdk.wire.errors import NotFound

LIFETIME = timedelta(seconds=60)  # to record it, and from then on to have it judged
COMPLETED_WITHIN = timedelta(seconds=30)
NONCE_BYTES = 16
JUDGE = "facelogin.judge_capture"
UNSAID = "(a capture, and the salt of its frames)"  # what Celery logs of a job


class Payload(msgspec.Struct, frozen=True):
    """What the worker needs, sealed until it has it."""

    template_key: bytes
    steps: list[int]
    frames: list[bytes]

    def __repr__(self) -> str:
        return "Payload(…)"


@dataclass(frozen=True)
class Submission:
    """What a browser sends as its capture."""

    nonce: bytes
    steps: Sequence[int]
    frames: Sequence[bytes]

    def __repr__(self) -> str:
        return "Submission(…)"


def start_capture(attempt: Attempt, *, address: str) -> Capture:
    """Give the attempt a new capture; one that was still open or waiting ends."""
    if not settings.CONFIG.face_enabled:
        raise FaceDisabled
    if attempt.purpose == Purpose.VERIFICATION and budgets.is_exhausted(attempt.person):
        raise FaceLocked
    sweeping.end_overdue()
    with transaction.atomic():
        if not hold_attempts(Attempt.objects.filter(pk=attempt.pk)):
            raise NotFound
        attempt.captures.all().delete()
        load.check_room()
        rates.spend_capture(attempt.person, address)
        now = timezone.now()
        return Capture.objects.create(
            attempt=attempt,
            nonce=os.urandom(NONCE_BYTES),
            challenge=draw_challenge(random.SystemRandom()),
            created_at=now,
            expires_at=now + LIFETIME,
        )


def submit_frames(
    *, attempt_id: UUID | None, capture_id: UUID, submission: Submission, secret: bytes | None
) -> Capture:
    """Seal the frames for the worker and queue the capture."""
    sweeping.end_if_overdue(capture_id)
    with transaction.atomic():
        capture = capture_for(attempt_id, capture_id, lock=True)
        if capture.state == State.EXPIRED:
            raise CaptureExpired
        if capture.state != State.OPEN:
            raise CaptureUsed
        _check(submission, capture)
        key = key_for_browser(capture.attempt, secret)
        if capture.attempt.purpose == Purpose.VERIFICATION:
            budgets.spend_try(capture.attempt.person, FailureBudget.Kind.FACE)
        salt = _seal(capture, submission, key)
        capture.move_to(State.QUEUED)
        capture.queued_at = timezone.now()
        capture.expires_at = capture.queued_at + LIFETIME  # who took long is no worse off in line
        capture.save(update_fields=["state", "queued_at", "expires_at"])
        transaction.on_commit(lambda: _enqueue(capture.pk, salt))
    return capture


def read_capture(*, attempt_id: UUID | None, capture_id: UUID) -> Capture:
    sweeping.end_if_overdue(capture_id)
    return capture_for(attempt_id, capture_id)


def complete_capture(*, attempt_id: UUID | None, capture_id: UUID, secret: bytes | None) -> None:
    """Let a passed capture have its effect, once; the attempt and all its captures are gone."""
    sweeping.end_if_overdue(capture_id)
    with transaction.atomic():
        capture = capture_for(attempt_id, capture_id, lock=True)
        if capture.state == State.EXPIRED:
            raise CaptureExpired
        if capture.state != State.PASSED:
            raise CaptureNotPassed
        attempt = capture.attempt
        key = key_for_browser(attempt, secret)
        if attempt.purpose == Purpose.ENROLMENT:
            _install(capture, key)
        else:
            if capture.result:
                templates.refresh(attempt.person, _opened_by(key, capture))
            events.record(attempt.person, Kind.ENTERED, attempt=attempt.pk)
            events.explain_failures(attempt.pk)
        attempt.delete()


def open_frames(capture: Capture, salt: bytes) -> Payload:
    """What was sealed for the worker; raises ``CannotOpenError`` when it is gone.

    The salt came with the job's message, and is nowhere else.
    """
    frames = Frames.objects.filter(capture=capture).first()
    if frames is None:
        raise CannotOpenError
    key = sealing.frames_key(settings.SERVER_SECRET, salt)
    return msgspec.msgpack.decode(
        key.open(bytes(frames.sealed), about=_about(capture)), type=Payload
    )


def _check(submission: Submission, capture: Capture) -> None:
    frames, steps = submission.frames, submission.steps
    if not hmac.compare_digest(submission.nonce, bytes(capture.nonce)):
        raise BadCapture("The nonce is not the one of this capture.")
    if not MIN_FRAMES <= len(frames) <= MAX_FRAMES:
        raise BadCapture(f"A capture has {MIN_FRAMES} to {MAX_FRAMES} frames.")
    if sum(map(len, frames)) > MAX_BYTES:
        raise BadCapture(f"The frames of a capture have {MAX_BYTES} bytes at most.")
    if len(steps) != len(frames):
        raise BadCapture("Each frame has one step.")
    if list(steps) != sorted(steps) or set(steps) != set(range(len(capture.challenge))):
        raise BadCapture("The steps follow the challenge, in order, and leave none out.")
    for frame in frames:
        try:
            jpeg.check(frame)
        except jpeg.BadJpegError as error:
            raise BadCapture(str(error)) from error


def _seal(capture: Capture, submission: Submission, template_key: Key) -> bytes:
    """Keep the frames for the worker, and return the salt without which nothing opens them."""
    payload = Payload(
        template_key=template_key.secret,
        steps=list(submission.steps),
        frames=list(submission.frames),
    )
    salt = os.urandom(sealing.KEY_BYTES)
    key = sealing.frames_key(settings.SERVER_SECRET, salt)
    sealed = key.seal(msgspec.msgpack.encode(payload), about=_about(capture))
    Frames.objects.create(capture=capture, sealed=sealed)
    return salt


def _about(capture: Capture) -> bytes:
    nonce = bytes(capture.nonce).hex()
    return f"facelogin frames {capture.pk} {capture.attempt_id} {nonce}".encode()


def _enqueue(capture_id: UUID, salt: bytes) -> None:
    try:
        current_app.send_task(
            JUDGE, args=[str(capture_id), salt.hex()], argsrepr=UNSAID, queue="face"
        )
    except OperationalError:
        # No queue, no decision: said at once instead of after a minute.
        fail_capture(capture_id)


def fail_capture(capture_id: UUID, reason: Reason = Reason.FAILED) -> None:
    """The server did not do its part: refused.

    The try is given back only if no worker had begun: whoever can make a worker fail must not be
    able to do so without end.
    """
    with transaction.atomic():
        capture = (
            Capture.objects.select_for_update(of=("self",))
            .select_related("attempt__person")
            .filter(pk=capture_id, state__in=[State.QUEUED, State.RUNNING])
            .first()
        )
        if capture is None:
            return
        if capture.state == State.QUEUED and capture.attempt.purpose == Purpose.VERIFICATION:
            budgets.pay_back(capture.attempt.person, FailureBudget.Kind.FACE)
        sweeping.end(capture, State.REFUSED, [reason])


def _install(capture: Capture, key: Key) -> None:
    person = capture.attempt.person
    counts = has_template(person) or bool(enrolled_codes(person))
    templates.install_template(capture.attempt, _opened_by(key, capture), counts=counts)


def _opened_by(key: Key, capture: Capture) -> bytes:
    """The sealed template of this capture, which this key does open."""
    sealed = bytes(capture.result or b"")
    try:
        key.open(sealed, about=templates.about_template(capture.attempt.person))
    except CannotOpenError as error:
        raise BadCapture from error
    return sealed
