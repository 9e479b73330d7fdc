"""Installs, opens, wraps anew and erases the sealed template of a person."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.factors import enrolled_codes
from accounts.models import Person
from facelogin import networks, sealing
from facelogin.access import has_template
from facelogin.models import Attempt, Consent, Recording, ServerKey, Template
from facelogin.networks import Network
from facelogin.sealing import CannotOpenError, Key
from facelogin.services import erasing, events, keys
from facelogin.services.events import Kind

VERSION = 1
REFRESHED_AFTER = timedelta(days=7)


@dataclass(frozen=True)
class WrappedKey:
    """A template key, wrapped for good, and what unwraps it together with the password."""

    key_salt: bytes = field(repr=False)
    server_key: ServerKey
    wrapped_key: bytes = field(repr=False)


def network() -> Network:
    """The one in use; a template of another one is not compared with it."""
    return networks.configured(settings.CONFIG.face_model, settings.CONFIG.face_threshold)


def about_template(person: Person, model: str | None = None, version: int = VERSION) -> bytes:
    """What a sealed template is bound to: account, model (the one in use), version."""
    return f"facelogin template {person.pk} {model or network().name} {version}".encode()


def about_template_key(person: Person) -> bytes:
    return f"facelogin template key {person.pk}".encode()


def template_key(template: Template, password: str) -> Key:
    """Unwrap the template's key; raises ``CannotOpenError`` for another password."""
    person = template.person
    wrapping = sealing.password_key(password, bytes(template.key_salt))
    outer = keys.opened(template.server_key)
    inner = outer.open(bytes(template.wrapped_key), about=keys.about_wrapped(person.pk))
    return wrapping.unwrap(inner, about=about_template_key(person))


def wrap_template_key(person: Person, key: Key, password: str) -> WrappedKey:
    """Wrap the key for good: under the password, and around that under the server's newest key."""
    salt = sealing.new_salt()
    inner = sealing.password_key(password, salt).wrap(key, about=about_template_key(person))
    server_key = keys.current_key()
    outer = keys.opened(server_key).seal(inner, about=keys.about_wrapped(person.pk))
    return WrappedKey(key_salt=salt, server_key=server_key, wrapped_key=outer)


@transaction.atomic
def install_template(attempt: Attempt, sealed: bytes, *, counts: bool) -> Template:
    if attempt.key_salt is None or attempt.wrapped_key is None or attempt.server_key is None:
        raise CannotOpenError
    # What was begun with the face before ends: it would refresh this one under a key of its own.
    others = Attempt.objects.filter(person=attempt.person).exclude(pk=attempt.pk)
    erasing.erase_attempts(others)
    template, is_first = Template.objects.update_or_create(
        person=attempt.person,
        defaults={
            "model": network().name,
            "version": VERSION,
            "key_salt": attempt.key_salt,
            "server_key": attempt.server_key,
            "wrapped_key": attempt.wrapped_key,
            "sealed": sealed,
            "created_at": timezone.now(),
            "refreshed_at": None,
            "counts": counts,
        },
    )
    events.record(attempt.person, Kind.ENROLLED)
    if not is_first:
        erasing.clear_files_of_faces_on_commit()
    return template


def may_refresh(template: Template) -> bool:
    """Whether the operator wants it, and it has been a while."""
    newest = template.refreshed_at or template.created_at
    return settings.CONFIG.face_refresh and newest <= timezone.now() - REFRESHED_AFTER


def refresh(person: Person, sealed: bytes) -> None:
    """Take what a login has seen beside the enrolment; it is sealed under the same key."""
    Template.objects.filter(person=person).update(sealed=sealed, refreshed_at=timezone.now())
    events.record(person, Kind.REFRESHED)


def salt_of_waiting(person: Person) -> bytes:
    """What tells this face from one that takes its place: each enrolment has a salt of its own."""
    return bytes(Template.objects.get(person=person, counts=False).key_salt)


def let_count(person: Person, salt: bytes) -> bool:
    """There is a code beside the face now; return whether the one with this salt waited for it."""
    waiting = Template.objects.filter(person=person, counts=False, key_salt=salt)
    return bool(waiting.update(counts=True))


def forget_waiting(person: Person) -> None:
    """Another login: a face that never came to count is not this login's to count."""
    Template.objects.filter(person=person, counts=False).delete()


@transaction.atomic
def rewrap(person: Person, old_password: str, new_password: str) -> None:
    """The password changes: the template stays, its key is wrapped under the new one.

    Call it in the transaction that changes the password. A template that the old password does
    not open (somebody had set the password without it) stays shut; the face is enrolled again. What
    was begun under the old password ends: an enrolment would install a template that it opens.
    """
    erasing.erase_attempts(Attempt.objects.filter(person=person))
    template = Template.objects.select_for_update().filter(person=person).first()
    if template is None:
        return
    try:
        key = template_key(template, old_password)
    except CannotOpenError:
        return
    wrapped = wrap_template_key(person, key, new_password)
    template.key_salt, template.wrapped_key = wrapped.key_salt, wrapped.wrapped_key
    template.server_key = wrapped.server_key
    template.save(update_fields=["key_salt", "server_key", "wrapped_key"])


@transaction.atomic
def erase_face(person: Person, why: Kind = Kind.WITHDRAWN) -> None:
    """Withdraw the consent and erase everything that came of it, at once.

    A face that is being installed at the moment is erased, too: installing holds the person.
    """
    Person.objects.select_for_update(no_key=True).get(pk=person.pk)
    erasing.erase_attempts(Attempt.objects.filter(person=person))
    Template.objects.filter(person=person).delete()
    Recording.objects.filter(person=person).delete()
    Consent.objects.filter(person=person, withdrawn_at__isnull=True).update(
        withdrawn_at=timezone.now()
    )
    events.record(person, why)
    erasing.clear_files_of_faces_on_commit()


@transaction.atomic
def erase_all() -> None:
    """The secret under which the server's keys are sealed is lost: nothing here opens any more."""
    for person in Person.objects.filter(face_template__isnull=False):
        erase_face(person)
    erasing.erase_attempts(Attempt.objects.all())
    ServerKey.objects.all().delete()


def erase_expired() -> None:
    """Faces age: a template that was not renewed in time goes, the codes beside it stay.

    One that is the only second factor, for an administrator had the codes forgotten, stays until
    there are new ones: without it the password alone would open the account.
    """
    renewed = Template.objects.annotate(renewed_at=Coalesce("refreshed_at", "created_at"))
    expired = renewed.filter(renewed_at__lte=timezone.now() - _lifetime())
    owners = Person.objects.filter(face_template__in=expired)
    for pk in list(owners.values_list("pk", flat=True)):
        with transaction.atomic():
            owner = owners.select_for_update(of=("self",), no_key=True).filter(pk=pk).first()
            if owner and (enrolled_codes(owner) or not has_template(owner)):
                erase_face(owner, Kind.EXPIRED)


def expires_at(template: Template) -> datetime:
    return (template.refreshed_at or template.created_at) + _lifetime()


def _lifetime() -> timedelta:
    return timedelta(days=settings.CONFIG.face_expires_after_days)
