"""How often a code may be guessed: counted by the database, before the code is looked at."""

from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.errors import TooManyGuesses
from accounts.models import GuessBudget, Person

LIMIT = 10
WINDOW = timedelta(hours=1)


@transaction.atomic
def spend_guess(*, person: Person) -> None:
    """Take one guess from the person's budget, or refuse; of many at once, none slips through."""
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
