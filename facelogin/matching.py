"""The decision: arithmetic on poses and embeddings, with no picture, row, clock or model in it."""

from collections.abc import Sequence
from statistics import median

import numpy as np
from numpy.typing import NDArray

from facelogin.challenge import Step

Embedding = NDArray[np.float64]

ENROLMENT_EMBEDDINGS = 3  # at least
FRAMES_COMPARED = 3
TURNED = 0.10  # eye distances the nose moves, from where the person looks straight
STRAIGHT = 0.06
BEST_TURN = 0.18  # "a little": more, and the chip shows half a face
MOST_TURNED_NEUTRAL = 0.22  # somebody who never looks at the camera
ONE_PERSON = 0.50  # largest distance of a turned face to the straight one of a capture (Dlib)
CERTAIN = 0.8  # of the threshold: near enough for the template to learn from


def neutral_turn(turns: Sequence[float]) -> float:
    """Where the nose stands when the person looks straight; noses and cameras are not centred.

    The challenge asks for as much left as right, and most for straight: that is the median.
    """
    return median(turns)


def pose_of(moved: float) -> Step | None:
    """The pose of a frame whose nose has moved this far; between two poses there is none."""
    if abs(moved) <= STRAIGHT:
        return Step.STRAIGHT
    if moved >= TURNED:
        return Step.LEFT
    if moved <= -TURNED:
        return Step.RIGHT
    return None


def is_one_person(
    straight: Embedding, turned: Sequence[Embedding], *, limit: float = ONE_PERSON
) -> bool:
    """Whether the embeddings of a capture are all of the same face."""
    return all(_distance(one, straight) <= limit for one in turned)


def refreshed(enrolled: Sequence[Embedding], seen: Sequence[Embedding]) -> tuple[Embedding, ...]:
    """The enrolment with what was seen last beside it, in the place of what was seen before.

    The enrolment itself always stays: however often it is refreshed, half of the mean is the face
    that was enrolled.
    """
    return (*enrolled[:ENROLMENT_EMBEDDINGS], *seen[:ENROLMENT_EMBEDDINGS])


def is_recognised(
    probes: Sequence[Embedding], enrolled: Sequence[Embedding], *, threshold: float
) -> bool:
    """The median distance of the sharpest frontal frames to the mean of the enrolment."""
    if len(probes) < FRAMES_COMPARED or len(enrolled) < ENROLMENT_EMBEDDINGS:
        return False
    return distance_to_enrolment(probes, enrolled) <= threshold


def distance_to_enrolment(probes: Sequence[Embedding], enrolled: Sequence[Embedding]) -> float:
    """Of the middle one of the probes to the mean of the enrolment."""
    centre = np.mean(np.stack(enrolled), axis=0)
    return median(_distance(probe, centre) for probe in probes)


def _distance(a: Embedding, b: Embedding) -> float:
    return float(np.linalg.norm(a - b))
