"""How often a password or code may be guessed, and that a right code is right once."""

from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.errors import CodeSpent, TooManyGuesses
from accounts.models import Person, SpentCode
from accounts.services.budgets import Budget, BudgetSpentError

CODES = Budget(purpose="one-time codes", limit=10, window=timedelta(hours=1))
PASSWORDS = Budget(purpose="passwords", limit=5, window=timedelta(minutes=5))
CODE_LIFETIME = timedelta(minutes=2)  # a code is right for 90 seconds at most


def spend_guess(*, person: Person) -> None:
    """Take one guess from the budget before the code is looked at."""
    try:
        CODES.spend(person.pk)
    except BudgetSpentError as error:
        raise TooManyGuesses(retry_after=error.retry_after) from error


def renew_budget(*, person: Person) -> None:
    """A right code gives all guesses back."""
    CODES.renew(person.pk)


def may_try_password(*, username: str) -> bool:
    """Take one try from the budget of a name, whether or not somebody has it."""
    try:
        PASSWORDS.spend(username)
    except BudgetSpentError:
        return False
    return True


def renew_password_budget(*, username: str) -> None:
    """A right password gives all tries back."""
    PASSWORDS.renew(username)


def spend_code(*, person: Person, code: str) -> None:
    """Use a right code up; of two logins with the same one, one gets in."""
    now = timezone.now()
    SpentCode.objects.filter(expires_at__lte=now).delete()
    try:
        with transaction.atomic():
            SpentCode.objects.create(person=person, code=code, expires_at=now + CODE_LIFETIME)
    except IntegrityError as error:
        raise CodeSpent from error
