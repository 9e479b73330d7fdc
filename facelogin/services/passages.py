"""A browser's way through the face: which attempt its session is in, and where that leads."""

from uuid import UUID

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest

from accounts.errors import SecondFactorRequired
from accounts.factors import enrolled_codes
from accounts.models import Person
from accounts.services import logins
from facelogin.access import attempt_for, has_template
from facelogin.errors import FaceDisabled, FaceLocked, FaceNotEnrolled, NoAlternative
from facelogin.middleware import hand_to_browser, secret_of, take_from_browser
from facelogin.models import Attempt, Capture
from facelogin.services import attempts, budgets, captures, erasing, events, previews, templates
from facelogin.services.captures import Submission
from facelogin.services.events import Alert
from facelogin.services.previews import Look
from facelogin.stages import FaceStage, pending_face

ENROLMENT_KEY = "face_enrolment"
WAITING_KEY = "waiting_face"  # the salt of the one that this session has enrolled


def start_enrolment(request: HttpRequest, *, password: str, consent_version: str) -> Capture:
    """The person in this session agrees, proves the password, and gets a capture."""
    person = _person_in(request)
    attempts.check_consent(consent_version)
    attempts.check_password(person, password)
    logins.record_reauthentication(request)
    logins.require_factor_change(request)
    attempt, secret = attempts.begin_enrolment(person, password)
    request.session[ENROLMENT_KEY] = str(attempt.pk)
    hand_to_browser(request, secret)
    return captures.start_capture(attempt, address=_address(request))


def start_verification(request: HttpRequest) -> Capture:
    """The login of this browser waits for the face, and gets a capture."""
    if not settings.CONFIG.face_enabled:
        raise FaceDisabled
    stage = _stage_of(request)
    person = stage.login.user
    if budgets.is_exhausted(person):
        raise FaceLocked
    if stage.attempt_id is None:
        raise FaceNotEnrolled("The password has changed since; enrol your face again.")
    attempt = attempt_for(stage.attempt_id, person=person)
    return captures.start_capture(attempt, address=_address(request))


def submit(request: HttpRequest, capture_id: UUID, submission: Submission) -> Capture:
    return captures.submit_frames(
        attempt_id=_attempt_id(request),
        capture_id=capture_id,
        submission=submission,
        secret=secret_of(request),
    )


def preview(request: HttpRequest, capture_id: UUID, *, nonce: bytes, frame: bytes) -> Look | None:
    """What the worker sees in one frame, if it looks in time."""
    offered = previews.offer_preview(
        attempt_id=_attempt_id(request),
        capture_id=capture_id,
        nonce=nonce,
        frame=frame,
        secret=secret_of(request),
    )
    return previews.collect_preview(offered)


def read(request: HttpRequest, capture_id: UUID) -> Capture:
    return captures.read_capture(attempt_id=_attempt_id(request), capture_id=capture_id)


def complete(request: HttpRequest, capture_id: UUID) -> None:
    """A passed capture installs the template, or lets the login go on."""
    if isinstance(request.user, Person):
        _complete_enrolment(request, request.user, capture_id)
    else:
        _complete_verification(request, capture_id)


@transaction.atomic
def _complete_enrolment(request: HttpRequest, person: Person, capture_id: UUID) -> None:
    """Another session may have enrolled a factor since this one began: ask again, in turn."""
    logins.lock_for_factor_change(request)
    _take_effect(request, capture_id)
    request.session.pop(ENROLMENT_KEY, None)
    if has_template(person):
        logins.record_enrolment(request, FaceStage.key)
    else:
        request.session[WAITING_KEY] = templates.salt_of_waiting(person).hex()


def let_face_count(request: HttpRequest, person: Person) -> None:
    """A code was enrolled in this session; a face that it enrolled before counts from now on.

    One that waits from another session does not, nor one that another session has put in its place:
    whoever enrolled it may be somebody else.
    """
    mine = bytes.fromhex(request.session.pop(WAITING_KEY, ""))
    if templates.let_count(person, mine):
        logins.record_enrolment(request, FaceStage.key)
    else:
        templates.forget_waiting(person)


def _complete_verification(request: HttpRequest, capture_id: UUID) -> None:
    _take_effect(request, capture_id)
    stage = _stage_of(request)
    logins.record_second_factor(request, stage.login, FaceStage.key)
    stage.exit()


def _take_effect(request: HttpRequest, capture_id: UUID) -> None:
    captures.complete_capture(
        attempt_id=_attempt_id(request), capture_id=capture_id, secret=secret_of(request)
    )
    take_from_browser(request)


def decline(request: HttpRequest) -> None:
    """Go on with the alternative; there must be one."""
    stage = _stage_of(request)
    if not enrolled_codes(stage.login.user):
        raise NoAlternative
    if stage.attempt_id is not None:
        erasing.erase_attempts(Attempt.objects.filter(pk=stage.attempt_id))
    take_from_browser(request)
    stage.exit()


def withdraw(request: HttpRequest) -> None:
    person = _person_in(request)
    logins.require_factor_change(request)
    templates.erase_face(person)
    logins.remove_stranded_recovery_codes(person)
    request.session.pop(ENROLMENT_KEY, None)
    request.session.pop(WAITING_KEY, None)
    take_from_browser(request)


def alerts(request: HttpRequest) -> list[Alert]:
    """For the person in this session, once they have shown who they are."""
    person = request.user
    if not isinstance(person, Person) or not logins.is_satisfied(person, request.session):
        return []
    return events.alerts_of(person)


def _person_in(request: HttpRequest) -> Person:
    if not isinstance(request.user, Person):
        raise SecondFactorRequired
    return request.user


def _address(request: HttpRequest) -> str:
    address: str = get_adapter().get_client_ip(request)
    return address


def _stage_of(request: HttpRequest) -> FaceStage:
    stage = pending_face(request)
    if stage is None:
        raise FaceNotEnrolled("No login in this browser waits for a face.")
    return stage


def _attempt_id(request: HttpRequest) -> UUID | None:
    if isinstance(request.user, Person):
        value = request.session.get(ENROLMENT_KEY)
        return UUID(value) if value else None
    stage = pending_face(request)
    return stage.attempt_id if stage else None
