"""A budget is spent, refused and renewed; each subject has its own."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Spending
from accounts.services.budgets import Budget, BudgetSpentError

pytestmark = pytest.mark.django_db

HOURLY = Budget(purpose="boats", limit=3, window=timedelta(hours=1))


def test_what_is_left_may_be_spent_and_no_more() -> None:
    HOURLY.spend("alice", 2)

    with pytest.raises(BudgetSpentError) as refused:
        HOURLY.spend("alice", 2)

    assert refused.value.retry_after in range(3590, 3602)
    HOURLY.spend("alice")


def test_nobody_spends_what_is_another_ones() -> None:
    HOURLY.spend("alice", 3)

    HOURLY.spend("bob", 3)
    Budget(purpose="carts", limit=3, window=timedelta(hours=1)).spend("alice", 3)


def test_a_budget_renews_itself_after_its_window() -> None:
    HOURLY.spend("alice", 3)
    Spending.objects.update(renews_at=timezone.now())

    HOURLY.spend("alice", 3)

    assert Spending.objects.get().spent == 3


def test_a_budget_can_be_given_back() -> None:
    HOURLY.spend("alice", 3)

    HOURLY.renew("alice")

    HOURLY.spend("alice", 3)


def test_names_are_not_stored() -> None:
    HOURLY.spend("a password, typed as a name")

    assert "password" not in Spending.objects.get().name
