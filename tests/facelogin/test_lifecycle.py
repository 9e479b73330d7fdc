import pytest

from facelogin.lifecycle import (
    FOLLOWS,
    SPENDS_A_TRY,
    TELLS_THE_OWNER,
    WHEN_OVERDUE,
    Reason,
    State,
)
from facelogin.models import Capture, WrongStateError

pytestmark = pytest.mark.any_database


@pytest.mark.parametrize("after", State)
@pytest.mark.parametrize("before", State)
def test_a_capture_takes_only_the_steps_of_the_table(before: State, after: State) -> None:
    capture = Capture(state=before)

    if after in FOLLOWS[before]:
        capture.move_to(after)
        assert capture.state == after
    else:
        with pytest.raises(WrongStateError):
            capture.move_to(after)
        assert capture.state == before


def test_time_ends_every_state_that_something_can_still_follow() -> None:
    assert {state for state in State if FOLLOWS[state]} == set(WHEN_OVERDUE)
    assert all(after in FOLLOWS[before] for before, after in WHEN_OVERDUE.items())


def test_only_a_decision_about_the_face_spends_a_try() -> None:
    liveness = {Reason.NOT_A_HEAD, Reason.INTERRUPTED, Reason.REPEATED}

    assert {Reason.NOT_RECOGNISED, Reason.STEPS_NOT_FOLLOWED} | liveness == SPENDS_A_TRY


def test_turning_too_fast_spends_no_try_and_is_told_to_the_owner() -> None:
    assert {Reason.TURNED_TOO_FAST} == TELLS_THE_OWNER - SPENDS_A_TRY
