"""Installs, opens, wraps anew and erases the sealed template of a person."""

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import Person
from accounts.services import logins
from facelogin import sealing
from facelogin.models import Attempt, Consent, Recording, Template
from facelogin.sealing import CannotOpenError, Key

MODEL = "dlib-resnet-v1"
VERSION = 1


def about_template(person: Person, model: str = MODEL, version: int = VERSION) -> bytes:
    """What a sealed template is bound to: account, model, version."""
    return f"facelogin template {person.pk} {model} {version}".encode()


def about_template_key(person: Person) -> bytes:
    return f"facelogin template key {person.pk}".encode()


def template_key(template: Template, password: str) -> Key:
    """Unwrap the template's key; raises ``CannotOpenError`` for another password."""
    wrapping = sealing.password_key(settings.SERVER_SECRET, password, bytes(template.key_salt))
    return wrapping.unwrap(bytes(template.wrapped_key), about=about_template_key(template.person))


def wrap_template_key(person: Person, key: Key, password: str) -> tuple[bytes, bytes]:
    """Return a new salt and the key wrapped under the password."""
    salt = sealing.new_salt()
    wrapping = sealing.password_key(settings.SERVER_SECRET, password, salt)
    return salt, wrapping.wrap(key, about=about_template_key(person))


@transaction.atomic
def install_template(attempt: Attempt, sealed: bytes) -> Template:
    if attempt.key_salt is None or attempt.wrapped_key is None:
        raise CannotOpenError
    template, _ = Template.objects.update_or_create(
        person=attempt.person,
        defaults={
            "model": MODEL,
            "version": VERSION,
            "key_salt": attempt.key_salt,
            "wrapped_key": attempt.wrapped_key,
            "sealed": sealed,
            "created_at": timezone.now(),
        },
    )
    return template


@transaction.atomic
def rewrap(person: Person, old_password: str, new_password: str) -> None:
    """The password changes: the template stays, its key is wrapped under the new one.

    Call it in the transaction that changes the password. A template that the old password does
    not open (somebody had set the password without it) stays shut; the face is enrolled again.
    """
    template = Template.objects.select_for_update().filter(person=person).first()
    if template is None:
        return
    try:
        key = template_key(template, old_password)
    except CannotOpenError:
        return
    template.key_salt, template.wrapped_key = wrap_template_key(person, key, new_password)
    template.save(update_fields=["key_salt", "wrapped_key"])


@transaction.atomic
def erase_face(person: Person) -> None:
    """Withdraw the consent and erase everything that came of it, at once."""
    Template.objects.filter(person=person).delete()
    Attempt.objects.filter(person=person).delete()
    Recording.objects.filter(person=person).delete()
    Consent.objects.filter(person=person, withdrawn_at__isnull=True).update(
        withdrawn_at=timezone.now()
    )
    logins.remove_stranded_recovery_codes(person)
