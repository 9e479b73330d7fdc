"""How often a password or code may be guessed, and that a right code is right once.

The database counts: neither the address nor the host name of a guesser matters.
"""

from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from accounts.errors import CodeSpent, TooManyGuesses
from accounts.models import GuessBudget, PasswordBudget, Person, SpentCode

LIMIT = 10
WINDOW = timedelta(hours=1)
PASSWORD_LIMIT = 5
PASSWORD_WINDOW = timedelta(minutes=5)
LONGEST_USERNAME = 64
CODE_LIFETIME = timedelta(minutes=2)  # a code is right for 90 seconds at most


@transaction.atomic
def spend_guess(*, person: Person) -> None:
    """Take one guess from the budget before the code is looked at; none of many slips through."""
    now = timezone.now()
    budgets = GuessBudget.objects.filter(person=person)
    GuessBudget.objects.get_or_create(person=person, defaults={"renews_at": now + WINDOW})
    budgets.filter(renews_at__lte=now).update(spent=0, renews_at=now + WINDOW)
    if not budgets.filter(spent__lt=LIMIT).update(spent=F("spent") + 1):
        wait = budgets.get().renews_at - now
        raise TooManyGuesses(retry_after=max(1, int(wait.total_seconds())))


def renew_budget(*, person: Person) -> None:
    """A right code gives all guesses back."""
    GuessBudget.objects.filter(person=person).delete()


@transaction.atomic
def may_try_password(*, username: str) -> bool:
    """Take one try from the budget before the password is looked at."""
    now = timezone.now()
    PasswordBudget.objects.filter(renews_at__lte=now).delete()
    budget, _ = PasswordBudget.objects.get_or_create(
        username=username[:LONGEST_USERNAME], defaults={"renews_at": now + PASSWORD_WINDOW}
    )
    left = PasswordBudget.objects.filter(pk=budget.pk, spent__lt=PASSWORD_LIMIT)
    return bool(left.update(spent=F("spent") + 1))


def renew_password_budget(*, username: str) -> None:
    """A right password gives all tries back."""
    PasswordBudget.objects.filter(username=username).delete()


def spend_code(*, person: Person, code: str) -> None:
    """Use a right code up; of two logins with the same one, one gets in."""
    now = timezone.now()
    SpentCode.objects.filter(expires_at__lte=now).delete()
    try:
        with transaction.atomic():
            SpentCode.objects.create(person=person, code=code, expires_at=now + CODE_LIFETIME)
    except IntegrityError as error:
        raise CodeSpent from error
