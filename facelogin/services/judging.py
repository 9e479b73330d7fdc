"""One queued capture, from its claim to its verdict: what the worker does."""

import logging
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from facelogin import antispoofing, embedding, pipeline, weights
from facelogin.challenge import Step
from facelogin.decoder import Decoder
from facelogin.lifecycle import SPENDS_A_TRY, TELLS_THE_OWNER, Purpose, Reason, State
from facelogin.models import Capture, FailureBudget, Template
from facelogin.pipeline import Decode, Film, Verdict
from facelogin.sealing import CannotOpenError, Key
from facelogin.services import budgets, captures, events, load, recordings, sweeping, templates
from facelogin.services.captures import Payload
from facelogin.services.events import Kind

logger = logging.getLogger(__name__)

PROGRESS_STEP = 10
JUDGED_WITHIN = timedelta(seconds=18)  # the task's hard limit, and a moment


def get_ready() -> None:
    """Load what judging needs, or refuse to start: nothing is fetched later."""
    network = templates.network()
    embedding.use(network)
    home = Path(os.environ["DEEPFACE_HOME"])
    if weights.has_fasnet(home):
        antispoofing.load()
    pipeline.warm_up()
    checks = "turns, depth, continuity, replay" + (", FasNet" if antispoofing.is_loaded() else "")
    logger.info("Judging with %s at %.2f. Liveness: %s.", network.name, network.threshold, checks)


def judge_capture(capture_id: UUID, salt: bytes) -> None:
    """Judge a queued capture once; a second message about it finds nothing to do."""
    sweeping.end_overdue()
    capture = _claim(capture_id)
    if capture is None:
        return
    try:
        payload = captures.open_frames(capture, salt)
        key = Key(payload.template_key)
        with Decoder() as decoder:
            verdict = _judge(capture, payload, key, decoder.decode)
    except CannotOpenError:
        captures.fail_capture(capture_id)
        return
    if recordings.remember(capture, payload.frames):
        verdict = Verdict(reasons=(Reason.REPEATED,))
    _decide(capture_id, verdict, key)


@transaction.atomic
def _claim(capture_id: UUID) -> Capture | None:
    """Take the capture out of the queue; whoever comes second gets nothing.

    A capture whose worker was killed stays ``running``, is not tried again, and is refused a moment
    after the job's own time limit: frames that kill a worker kill one.
    """
    capture = (
        Capture.objects.select_for_update(of=("self",))
        .select_related("attempt__person")
        .filter(pk=capture_id, state=State.QUEUED)
        .first()
    )
    if capture is None:
        return None
    capture.move_to(State.RUNNING)
    capture.expires_at = min(capture.expires_at, timezone.now() + JUDGED_WITHIN)
    capture.save(update_fields=["state", "expires_at"])
    return capture


def _judge(capture: Capture, payload: Payload, key: Key, decode: Decode) -> Verdict:
    film = Film(
        challenge=[Step(step) for step in capture.challenge],
        frames=payload.frames,
        steps=payload.steps,
    )
    progress = _progress_of(capture.pk)
    if capture.attempt.purpose == Purpose.ENROLMENT:
        return pipeline.judge_enrolment(film, progress, decode=decode)
    person = capture.attempt.person
    network = templates.network()
    template = Template.objects.filter(person=person, model=network.name).first()
    if template is None or network.threshold is None:
        raise CannotOpenError
    about = templates.about_template(person, template.model, template.version)
    return pipeline.judge_verification(
        film,
        pipeline.unpack(key.open(bytes(template.sealed), about=about)),
        network.threshold,
        progress,
        decode=decode,
    )


def _progress_of(capture_id: UUID) -> Callable[[int], None]:
    """Write the progress when it has moved far enough to be worth a write."""
    written = 0

    def progress(percent: int) -> None:
        nonlocal written
        if percent >= written + PROGRESS_STEP:
            written = percent
            Capture.objects.filter(pk=capture_id, state=State.RUNNING).update(progress=percent)

    return progress


@transaction.atomic
def _decide(capture_id: UUID, verdict: Verdict, key: Key) -> None:
    """Write the verdict, settle the try, and erase the frames, together."""
    capture = (
        Capture.objects.select_for_update(of=("self",))
        .select_related("attempt__person")
        .filter(pk=capture_id, state=State.RUNNING)
        .first()
    )
    if capture is None:
        return  # it took too long, or the person has begun another
    person = capture.attempt.person
    is_verification = capture.attempt.purpose == Purpose.VERIFICATION
    load.record_judgement(capture)
    if verdict.reasons:
        sweeping.end(capture, State.REFUSED, list(verdict.reasons))
        if is_verification and SPENDS_A_TRY.isdisjoint(verdict.reasons):
            budgets.pay_back(person, FailureBudget.Kind.FACE)
        if is_verification and not TELLS_THE_OWNER.isdisjoint(verdict.reasons):
            events.record(person, Kind.REFUSED, attempt=capture.attempt_id)
        return
    if is_verification:
        budgets.succeed(person, FailureBudget.Kind.FACE)
    result = _sealed_result(capture, verdict, key)
    capture.expires_at = timezone.now() + captures.COMPLETED_WITHIN
    sweeping.end(capture, State.PASSED, [], result)


def _sealed_result(capture: Capture, verdict: Verdict, key: Key) -> bytes | None:
    """The template that completing this capture installs; none for most logins."""
    person = capture.attempt.person
    if capture.attempt.purpose == Purpose.VERIFICATION:
        template = Template.objects.filter(person=person).first()
        if not verdict.embeddings or template is None or not templates.may_refresh(template):
            return None
    return key.seal(pipeline.pack(verdict.embeddings), about=templates.about_template(person))
