"""Invitations: how somebody becomes a person here."""

from datetime import timedelta

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from accounts.errors import (
    InvitationExpired,
    InvitationNotFound,
    InvitationUsed,
    PasswordTooWeak,
    UsernameTaken,
)
from accounts.models import Invitation, Person, Role
from accounts.names import normalise_username, username_validator
from accounts.services.secrets import digest_of, make_secret
from securechat_sdk.wire.errors import InvalidInput

DEFAULT_HOURS = 7 * 24
MAX_HOURS = 30 * 24
MAX_PASSWORD = 1024


@transaction.atomic
def invite_person(
    *,
    username: str,
    display_name: str = "",
    email: str = "",
    role: str = Role.MEMBER,
    expires_in_hours: int = DEFAULT_HOURS,
    created_by: Person | None,
) -> tuple[Invitation, str]:
    """Make an invitation; the link beside it is shown now and never again."""
    username = _checked_username(username) if username else ""
    if username and Person.objects.filter(username=username).exists():
        raise UsernameTaken
    secret = make_secret()
    now = timezone.now()
    invitation = Invitation.objects.create(
        digest=digest_of(secret),
        username=username,
        display_name=display_name,
        email=email,
        role=role,
        created_by=created_by,
        created_at=now,
        expires_at=now + timedelta(hours=expires_in_hours),
    )
    return invitation, link_of(secret)


def link_of(secret: str) -> str:
    """The token stands in the fragment: browsers send no fragment, and no log has it."""
    return f"{settings.CONFIG.origin.rstrip('/')}/#/invitation/{secret}"


def find_invitation(secret: str, *, lock: bool = False) -> Invitation:
    """Return the invitation while it can be accepted."""
    rows = Invitation.objects.select_for_update() if lock else Invitation.objects.all()
    invitation = rows.filter(digest=digest_of(secret)).first()
    if invitation is None:
        raise InvitationNotFound
    if invitation.used_at is not None:
        raise InvitationUsed
    if invitation.revoked_at is not None or invitation.is_expired or _is_withdrawn(invitation):
        raise InvitationExpired
    return invitation


def _is_withdrawn(invitation: Invitation) -> bool:
    """Whoever may no longer invite has not invited; else they might come back that way."""
    inviter = invitation.created_by
    return inviter is not None and not (inviter.is_active and inviter.is_administrator)


@sensitive_variables()
def accept_invitation(*, secret: str, username: str, display_name: str, password: str) -> Person:
    """Make the invited person. The slow password hash is made before the row is locked."""
    invitation = find_invitation(secret)
    username = _checked_username(username)
    person = Person(
        username=username,
        display_name=display_name,
        email=invitation.email,
        role=invitation.role,
    )
    _check_password(password, person)
    person.password = make_password(password)
    return _save_accepted(person, secret)


@transaction.atomic
def _save_accepted(person: Person, secret: str) -> Person:
    invitation = find_invitation(secret, lock=True)
    try:
        with transaction.atomic():
            person.save(force_insert=True)
    except IntegrityError as error:
        raise UsernameTaken from error
    invitation.used_at = timezone.now()
    invitation.person = person
    invitation.save(update_fields=["used_at", "person"])
    return person


def revoke_invitation(*, invitation: Invitation) -> None:
    Invitation.objects.filter(pk=invitation.pk, used_at=None, revoked_at=None).update(
        revoked_at=timezone.now()
    )


@transaction.atomic
def invite_first_administrator() -> str | None:
    """Return a link for the first administrator; nothing once there is one.

    A link made earlier this way stops working, so that only the last one shown is good.
    """
    if Person.objects.filter(role=Role.ADMINISTRATOR, is_active=True).exists():
        return None
    Invitation.objects.filter(
        created_by=None, role=Role.ADMINISTRATOR, used_at=None, revoked_at=None
    ).update(revoked_at=timezone.now())
    return invite_person(username="", role=Role.ADMINISTRATOR, created_by=None)[1]


def _checked_username(typed: str) -> str:
    username = normalise_username(typed)
    try:
        username_validator(username)
    except ValidationError as error:
        raise InvalidInput(error.messages[0]) from error
    return username


def _check_password(password: str, person: Person) -> None:
    try:
        validate_password(password, person)
    except ValidationError as error:
        raise PasswordTooWeak(" ".join(error.messages)) from error
