import numpy as np
import pytest

from facelogin import matching
from facelogin.challenge import Step

pytestmark = pytest.mark.any_database

HERE = np.zeros(128)


def away(distance: float, axis: int = 0) -> matching.Embedding:
    """An embedding at this distance from ``HERE``."""
    point = np.zeros(128)
    point[axis] = distance
    return point


@pytest.mark.parametrize(
    ("moved", "pose"),
    [
        (0.0, Step.STRAIGHT),
        (0.06, Step.STRAIGHT),
        (-0.06, Step.STRAIGHT),
        (0.08, None),
        (-0.08, None),
        (0.10, Step.LEFT),
        (0.4, Step.LEFT),
        (-0.10, Step.RIGHT),
        (-0.4, Step.RIGHT),
    ],
)
def test_a_pose_is_how_far_the_nose_has_moved(moved: float, pose: Step | None) -> None:
    assert matching.pose_of(moved) == pose


def test_the_neutral_pose_is_where_the_head_is_most_of_the_time() -> None:
    assert matching.neutral_turn([-0.1, -0.1, -0.11, 0.2, 0.25, -0.4, -0.35]) == -0.1


@pytest.mark.parametrize(
    ("distances", "recognised"),
    [
        ([0.5, 0.5, 0.5], True),
        ([0.1, 0.5, 0.9], True),  # the median decides
        ([0.1, 0.501, 0.502], False),
        ([0.6, 0.6, 0.6], False),
        ([0.1, 0.1], False),  # too few frames
        ([], False),
    ],
)
def test_the_median_distance_to_the_mean_of_the_enrolment_decides(
    distances: list[float], *, recognised: bool
) -> None:
    probes = [away(distance) for distance in distances]
    enrolled = [away(0.3, axis=1), away(-0.3, axis=1), HERE]

    assert matching.is_recognised(probes, enrolled, threshold=0.5) is recognised


def test_an_enrolment_of_two_embeddings_recognises_nobody() -> None:
    assert matching.is_recognised([HERE] * 3, [HERE] * 3, threshold=0.5)
    assert not matching.is_recognised([HERE] * 3, [HERE] * 2, threshold=0.5)


def test_an_enrolment_is_of_one_person() -> None:
    assert matching.is_one_person(HERE, [away(0.4), away(0.4, axis=1)])
    assert not matching.is_one_person(HERE, [away(0.4), away(0.51, axis=1)])
