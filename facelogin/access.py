"""The only functions that hand out the face's rows on someone's behalf."""

from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Person
from facelogin.errors import FaceNotEnrolled
from facelogin.models import Attempt, Capture, Template
from securechat_sdk.wire.errors import NotFound


def attempt_for(attempt_id: UUID, *, person: Person) -> Attempt:
    """The login or enrolment that this session is in; ``attempt_id`` comes from the session."""
    attempt = (
        Attempt.objects.filter(pk=attempt_id)
        .filter(person=person)
        .filter(expires_at__gt=timezone.now())
        .first()
    )
    if attempt is None:
        raise NotFound
    return attempt


def hold_attempts(attempts: QuerySet[Attempt]) -> list[Attempt]:
    """Lock those that are still there, and their captures: nobody adds a capture or a frame now.

    The captures first, as whoever completes one has it before its attempt.
    """
    captures = Capture.objects.filter(attempt__in=attempts).select_for_update().order_by("pk")
    list(captures.values_list("pk"))
    return list(attempts.select_for_update().order_by("pk"))


def capture_for(attempt_id: UUID | None, capture_id: UUID, *, lock: bool = False) -> Capture:
    """A capture of this session's own login or enrolment; any other does not exist."""
    captures = Capture.objects.select_related("attempt__person")
    if lock:
        captures = captures.select_for_update(of=("self",))
    capture = (
        captures.filter(pk=capture_id)
        .filter(attempt__pk__in=[attempt_id] if attempt_id else [])
        .first()
    )
    if capture is None:
        raise NotFound
    return capture


def template_for(person: Person) -> Template:
    # The server's key comes along: it may have been changed, and this one erased, in a moment.
    templates = Template.objects.select_related("server_key")
    template = templates.filter(person=person, counts=True).first()
    if template is None:
        raise FaceNotEnrolled
    return template


def has_template(person: Person) -> bool:
    """A face with which a login can be passed."""
    return Template.objects.filter(person=person, counts=True).exists()


def has_waiting_template(person: Person) -> bool:
    """A face that counts as soon as there is a code beside it."""
    return Template.objects.filter(person=person, counts=False).exists()
