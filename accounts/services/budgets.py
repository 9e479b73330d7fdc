"""How often something may be done in a while; the database counts.

Neither the process nor the address of whoever spends matters, and of many who spend at once none
slips through: each takes its part in one statement, before the deed.
"""

from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import Spending


class BudgetSpentError(Exception):
    """Nothing is left for ``retry_after`` seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(retry_after)
        self.retry_after = retry_after


@dataclass(frozen=True, kw_only=True)
class Budget:
    """So much may be spent in each window; every subject has a window of its own."""

    purpose: str
    limit: int
    window: timedelta

    @transaction.atomic
    def spend(self, subject: object, amount: int = 1) -> None:
        """Take ``amount``, or raise ``BudgetSpentError`` and take nothing."""
        now = timezone.now()
        name = self._name(subject)
        Spending.objects.get_or_create(name=name, defaults={"renews_at": now + self.window})
        spending = Spending.objects.filter(name=name)
        spending.filter(renews_at__lte=now).update(spent=0, renews_at=now + self.window)
        left = spending.filter(spent__lte=self.limit - amount)
        if not left.update(spent=F("spent") + amount):
            wait = spending.get().renews_at - now
            raise BudgetSpentError(retry_after=int(wait.total_seconds()) + 1)

    def renew(self, subject: object) -> None:
        """Give everything back."""
        Spending.objects.filter(name=self._name(subject)).delete()

    def _name(self, subject: object) -> str:
        return sha256(f"{self.purpose}\0{subject}".encode("utf-8", "surrogatepass")).hexdigest()
