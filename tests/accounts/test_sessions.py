"""The state of a session is a table."""

from dataclasses import replace
from itertools import product

import pytest

from accounts.services.sessions import TABLE, Facts, State, state_of

NOTHING = Facts(
    is_logged_in=False,
    is_at_a_stage=False,
    has_factor=False,
    has_passed=False,
    is_satisfied=False,
    account_has_device=False,
    account_has_identity=False,
    is_bound=False,
)
ALL_FACTS = [
    Facts(**dict(zip(NOTHING.__dataclass_fields__, values, strict=True)))
    for values in product([False, True], repeat=8)
]


@pytest.mark.parametrize("facts", ALL_FACTS)
def test_every_combination_has_a_state(facts: Facts) -> None:
    assert state_of(facts) in State


@pytest.mark.parametrize("facts", [facts for facts in ALL_FACTS if not facts.is_satisfied])
def test_without_satisfaction_there_is_no_way_to_a_device(facts: Facts) -> None:
    assert state_of(facts) in {State.ANONYMOUS, State.SECOND_FACTOR, State.ENROLMENT}


@pytest.mark.parametrize("facts", [facts for facts in ALL_FACTS if not facts.is_logged_in])
def test_without_a_login_nobody_is_there(facts: Facts) -> None:
    expected = State.SECOND_FACTOR if facts.is_at_a_stage else State.ANONYMOUS

    assert state_of(facts) == expected


def test_a_session_that_has_passed_and_lacks_something_enrols_it_and_is_not_asked_again() -> None:
    passed = replace(NOTHING, is_logged_in=True, has_factor=True, has_passed=True)

    assert state_of(passed) == State.ENROLMENT
    assert state_of(replace(passed, has_passed=False)) == State.SECOND_FACTOR
    assert state_of(replace(passed, is_satisfied=True)) == State.NO_DEVICE


def test_every_state_can_be_reached() -> None:
    assert {state_of(facts) for facts in ALL_FACTS} == set(State) == {state for state, _ in TABLE}
