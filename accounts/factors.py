"""What counts as a second factor. An application adds its own through ``SECOND_FACTORS``."""

from typing import ClassVar, Protocol

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db.models import QuerySet
from django.utils.module_loading import import_string

from accounts.models import Person


class SecondFactor(Protocol):
    """Something besides the password with which a login can be completed."""

    name: ClassVar[str]

    def is_enrolled(self, person: Person) -> bool:
        """Can this person pass a login with it?"""

    def waits_for_codes(self, person: Person) -> bool:
        """Was it set up, and is the code missing that must stand beside it?"""


class Code:
    """Counts by itself."""

    def waits_for_codes(self, _person: Person) -> bool:
        return False


class TimeBasedCode(Code):
    """A code from an authenticator application (RFC 6238)."""

    name: ClassVar[str] = "totp"

    def is_enrolled(self, person: Person) -> bool:
        return _authenticators(person, Authenticator.Type.TOTP).exists()


class RecoveryCode(Code):
    """A code from a printed list, each good for one login."""

    name: ClassVar[str] = "recovery_codes"

    def is_enrolled(self, person: Person) -> bool:
        """Also when all are used up: an account must not become open by that."""
        return _authenticators(person, Authenticator.Type.RECOVERY_CODES).exists()


# What the stage of one-time codes asks for.
CODES: tuple[SecondFactor, ...] = (TimeBasedCode(), RecoveryCode())


def second_factors() -> tuple[SecondFactor, ...]:
    """All that the settings name, in the order in which they are offered."""
    return tuple(import_string(path)() for path in settings.SECOND_FACTORS)


def enrolled_factors(person: Person) -> list[str]:
    return [factor.name for factor in second_factors() if factor.is_enrolled(person)]


def waits_for_codes(person: Person) -> bool:
    """Is there a factor that must not be the only one, and no code beside it?"""
    return any(factor.waits_for_codes(person) for factor in second_factors())


def enrolled_codes(person: Person) -> list[str]:
    return [factor.name for factor in CODES if factor.is_enrolled(person)]


def _authenticators(person: Person, kind: str) -> QuerySet[Authenticator]:
    found: QuerySet[Authenticator] = Authenticator.objects.filter(user_id=person.pk, type=kind)
    return found
