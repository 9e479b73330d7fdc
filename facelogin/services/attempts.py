"""Begins a login or an enrolment: the template key goes to the browser, wrapped, and back."""

import os
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import Person
from facelogin import consent, sealing
from facelogin.access import template_for
from facelogin.errors import (
    BadCapture,
    ConsentOutdated,
    FaceDisabled,
    FaceNotEnrolled,
    WrongPassword,
)
from facelogin.lifecycle import Purpose
from facelogin.models import Attempt, Consent, FailureBudget
from facelogin.sealing import CannotOpenError, Key
from facelogin.services import budgets, templates
from facelogin.services.templates import WrappedKey

LIFETIME = timedelta(minutes=15)  # as long as allauth keeps a login that waits for its stages


def begin_verification(person: Person, password: str) -> tuple[Attempt, bytes]:
    """Unwrap the template key with the password and wrap it under a new secret.

    Returns the attempt and the secret, which the caller hands to the browser and forgets. Raises
    ``CannotOpenError`` when the template was sealed under another password, ``FaceNotEnrolled``
    when it is of another model than the one in use.
    """
    template = template_for(person)
    if template.model != templates.network().name:
        raise FaceNotEnrolled("The server uses another model now; enrol your face again.")
    key = templates.template_key(template, password)
    return _begin(person, Purpose.VERIFICATION, key)


def begin_enrolment(person: Person, password: str) -> tuple[Attempt, bytes]:
    """Record the consent and make the key of a new template; the old one stays until the end.

    The password and the version of the consent have been checked.
    """
    key = Key.random()
    with transaction.atomic():
        wrapped = templates.wrap_template_key(person, key, password)
        Person.objects.select_for_update(no_key=True).get(pk=person.pk)  # one consent stands
        _record_consent(person)
        return _begin(person, Purpose.ENROLMENT, key, wrapped)


def check_consent(version: str) -> None:
    if not settings.CONFIG.face_enabled:
        raise FaceDisabled
    if version != consent.VERSION:
        raise ConsentOutdated


def check_password(person: Person, password: str) -> None:
    """Raise unless this is the person's password; wrong ones are counted and slowed down."""
    kind = FailureBudget.Kind.PASSWORD
    budgets.spend_try(person, kind)
    if not person.check_password(password):
        raise WrongPassword
    budgets.succeed(person, kind)


def key_for_browser(attempt: Attempt, secret: bytes | None) -> Key:
    """The template key of this attempt; only the browser that began it can ask."""
    if secret is None:
        raise BadCapture("This browser does not hold the secret of this login; begin again.")
    wrapping = sealing.browser_key(secret, attempt.pk.bytes)
    try:
        return wrapping.unwrap(bytes(attempt.wrapped_for_browser), about=_about(attempt))
    except CannotOpenError as error:
        raise BadCapture("This is not the browser that began; begin again.") from error


def _begin(
    person: Person,
    purpose: Purpose,
    key: Key,
    for_good: WrappedKey | None = None,
) -> tuple[Attempt, bytes]:
    secret = os.urandom(sealing.KEY_BYTES)
    attempt = Attempt(
        person=person,
        purpose=purpose,
        key_salt=for_good.key_salt if for_good else None,
        server_key=for_good.server_key if for_good else None,
        wrapped_key=for_good.wrapped_key if for_good else None,
        expires_at=timezone.now() + LIFETIME,
    )
    wrapping = sealing.browser_key(secret, attempt.pk.bytes)
    attempt.wrapped_for_browser = wrapping.wrap(key, about=_about(attempt))
    attempt.save()
    return attempt, secret


def _about(attempt: Attempt) -> bytes:
    return f"facelogin attempt {attempt.pk} {attempt.person_id} {attempt.purpose}".encode()


def _record_consent(person: Person) -> None:
    standing = Consent.objects.filter(person=person, withdrawn_at__isnull=True)
    if standing.filter(version=consent.VERSION).exists():
        return
    now = timezone.now()
    standing.update(withdrawn_at=now)
    Consent.objects.create(person=person, version=consent.VERSION, given_at=now)
