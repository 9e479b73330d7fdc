"""How often a code may be guessed, and that a right one is right once: the database counts."""

from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from accounts.errors import CodeSpent, TooManyGuesses
from accounts.models import GuessBudget, Person, SpentCode

LIMIT = 10
WINDOW = timedelta(hours=1)
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


def spend_code(*, person: Person, code: str) -> None:
    """Use a right code up; of two logins with the same one, one gets in."""
    now = timezone.now()
    SpentCode.objects.filter(expires_at__lte=now).delete()
    try:
        with transaction.atomic():
            SpentCode.objects.create(person=person, code=code, expires_at=now + CODE_LIFETIME)
    except IntegrityError as error:
        raise CodeSpent from error
