from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Person
from facelogin.errors import FaceLocked
from facelogin.models import FailureBudget
from facelogin.services import budgets
from facelogin.services.budgets import FREE_TRIES, TRIES_IN_ALL, Kind

pytestmark = pytest.mark.django_db


def fail(person: Person, times: int) -> None:
    """So many failures, each after its wait."""
    for _ in range(times):
        FailureBudget.objects.filter(person=person).update(next_try_at=None)
        budgets.spend_try(person, Kind.FACE)


def wait_is_over(person: Person) -> None:
    FailureBudget.objects.filter(person=person).update(
        next_try_at=timezone.now() - timedelta(seconds=1)
    )


def test_five_failures_are_free_and_the_sixth_waits_half_a_minute(alice: Person) -> None:
    for _ in range(FREE_TRIES):
        budgets.spend_try(alice, Kind.FACE)

    with pytest.raises(FaceLocked) as refusal:
        budgets.spend_try(alice, Kind.FACE)

    assert refusal.value.facts["retry_after"] in range(25, 31)


def test_after_the_wait_there_is_one_try_and_another_wait(alice: Person) -> None:
    fail(alice, FREE_TRIES)
    wait_is_over(alice)

    budgets.spend_try(alice, Kind.FACE)

    with pytest.raises(FaceLocked):
        budgets.spend_try(alice, Kind.FACE)


def test_after_fifty_failures_the_face_is_off_until_another_login(alice: Person) -> None:
    fail(alice, TRIES_IN_ALL)
    wait_is_over(alice)

    with pytest.raises(FaceLocked) as refusal:
        budgets.spend_try(alice, Kind.FACE)
    assert refusal.value.facts["retry_after"] is None
    assert budgets.is_exhausted(alice)

    budgets.forgive(alice)

    budgets.spend_try(alice, Kind.FACE)
    assert not budgets.is_exhausted(alice)


def test_success_ends_the_row_but_not_the_count_of_all(alice: Person) -> None:
    fail(alice, 10)
    wait_is_over(alice)
    budgets.spend_try(alice, Kind.FACE)

    budgets.succeed(alice, Kind.FACE)

    budget = FailureBudget.objects.get(person=alice, kind=Kind.FACE)
    assert (budget.in_a_row, budget.in_all, budget.next_try_at) == (0, 10, None)


def test_a_try_that_was_not_judged_is_given_back(alice: Person) -> None:
    budgets.spend_try(alice, Kind.FACE)

    budgets.pay_back(alice, Kind.FACE)

    budget = FailureBudget.objects.get(person=alice, kind=Kind.FACE)
    assert (budget.in_a_row, budget.in_all) == (0, 0)


def test_giving_back_twice_makes_no_free_tries(alice: Person) -> None:
    budgets.spend_try(alice, Kind.FACE)
    budgets.pay_back(alice, Kind.FACE)
    budgets.pay_back(alice, Kind.FACE)

    assert FailureBudget.objects.get(person=alice).in_all == 0


def test_passwords_and_other_people_have_their_own_budget(alice: Person, bob: Person) -> None:
    fail(alice, TRIES_IN_ALL)

    budgets.spend_try(alice, Kind.PASSWORD)
    budgets.spend_try(bob, Kind.FACE)


@pytest.mark.django_db(transaction=True)
def test_guesses_at_the_same_time_do_not_share_a_place(alice: Person) -> None:
    def guess(_: int) -> bool:
        try:
            budgets.spend_try(alice, Kind.FACE)
        except FaceLocked:
            return False
        else:
            return True
        finally:
            connection.close()

    with ThreadPoolExecutor(16) as pool:
        guesses = list(pool.map(guess, range(64)))

    assert sum(guesses) == FREE_TRIES
