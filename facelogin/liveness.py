"""Is it one live head? Arithmetic on chips and landmarks: no row, clock, model or file in it.

A head that turns shows depth: its nose moves further than the plane through eyes and mouth. The
movement of that plane between two pictures is a homography, whatever the camera and however a flat
photo is held; what the nose moves beyond it is the parallax, which a flat photo does not have.

The pictures compared are aligned chips, so the flow between them is short and the zones of the
face stand where the alignment puts them.
"""

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from facelogin.detection import Sighting

Chip = NDArray[np.uint8]
Grey = NDArray[np.uint8]
Points = NDArray[np.float64]

# Measured on some people and tried on others: docs/decisions/face-thresholds.md.
LEAST_PARALLAX = 0.05  # eye distances
LARGEST_LEAP = 1.0  # eye distances between two frames
LARGEST_GROWTH = 1.35
FASTEST_TURN = 0.40  # eye distances the nose moves between two frames
LEAST_LIKE = 0.85  # correlation of a chip with the one before, moved onto it
# Of a turn, in parts of the greatest depth that it shows:
SET_OUT = 0.35  # it begins with less
ARRIVED = 0.80
MOST_AT_ONCE = 0.48  # from frame to frame: of pictures instead of a turn two must lie between
MOST_BACK = 0.25

_SIDE = 150
_EYE_DISTANCE = 54.0  # of a chip
_ROWS, _COLUMNS = np.mgrid[0:_SIDE, 0:_SIDE]


def _zone(top: int, bottom: int, left: int, right: int) -> NDArray[np.bool_]:
    inside = (top <= _ROWS) & (bottom >= _ROWS) & (left <= _COLUMNS) & (right >= _COLUMNS)
    return np.asarray(inside, np.bool_)


# The bridge of the nose between the eyes is no part of their plane.
_PLANE = (_zone(34, 56, 30, 66) | _zone(34, 56, 82, 120) | _zone(94, 112, 50, 100)) & (
    (_ROWS + _COLUMNS) % 3 == 0
)
_NOSE = _zone(66, 84, 62, 86)
_CHEEKS = (_zone(66, 84, 38, 50), _zone(66, 84, 98, 110))
_FACE = _zone(30, 115, 40, 110)
_GRID = np.stack([_COLUMNS, _ROWS], axis=-1).astype(np.float32)


def parallax(straight: Chip, turned: Chip) -> float:
    """How far the nose moves against the plane of eyes and mouth, in eye distances.

    It must do so against the cheek beside it too, which falls back and that of a bent photo does
    not; the lesser of the two counts. Positive to the person's own left, as ``turn_of``.
    """
    moved = _GRID + _flow(_grey(straight), _grey(turned))
    plane, _ = cv2.findHomography(_GRID[_PLANE], moved[_PLANE], 0)
    if plane is None:
        return 0.0
    nose = _beyond(plane, moved, _NOSE)
    near_cheek = _CHEEKS[0] if nose > 0 else _CHEEKS[1]  # the other one turns out of sight
    against_cheeks = nose - _beyond(plane, moved, near_cheek)
    if nose * against_cheeks <= 0:
        return 0.0
    return min(nose, against_cheeks, key=abs)


def is_gradual(depths: Sequence[float]) -> bool:
    """Whether the frames show the turn itself: the depth grows from little to much, bit by bit.

    ``depths`` are the parallaxes of a step that asks for a turn, in order. Pictures of a head that
    take each other's place have a head's depth as well, but they have it all at once.
    """
    full = max(depths, default=0.0)
    if full <= 0:
        return False
    parts = [depth / full for depth in depths]
    arrived = [n for n, part in enumerate(parts) if part >= ARRIVED]
    began = [n for n, part in enumerate(parts) if part <= SET_OUT and n < max(arrived, default=0)]
    if not began:
        return False
    turn = parts[began[-1] : 1 + next(n for n in arrived if n > began[-1])]
    rises = [after - before for before, after in pairwise(turn)]
    return max(rises) <= MOST_AT_ONCE and min(rises) >= -MOST_BACK


def is_continuous(sightings: Sequence[Sighting]) -> bool:
    """Whether one face moves through the frames as a head can, and is never another one.

    Frames that were not usable, or not recorded one after the other, leave gaps; what stands on
    their two sides is compared by its embeddings (``matching.is_one_person``).
    """
    return all(
        _follows(before, after)
        for before, after in pairwise(sightings)
        if after.number == before.number + 1
    )


def _follows(before: Sighting, after: Sighting) -> bool:
    (centre, eyes), (next_centre, next_eyes) = _eyes(before.points), _eyes(after.points)
    leap = float(np.linalg.norm(next_centre - centre)) / eyes
    return (
        1 / LARGEST_GROWTH <= next_eyes / eyes <= LARGEST_GROWTH
        and leap <= LARGEST_LEAP
        and abs(after.turn - before.turn) <= FASTEST_TURN
        and likeness(before.chip, after.chip) >= LEAST_LIKE
    )


def _eyes(points: Points) -> tuple[Points, float]:
    """The middle between the eyes, and their distance."""
    left, right = points[0:2].mean(axis=0), points[2:4].mean(axis=0)
    return (left + right) / 2, float(np.linalg.norm(left - right))


def likeness(before: Chip, after: Chip) -> float:
    """The correlation of the second face with the first, moved onto it: another light is alike."""
    first, second = _grey(before), _grey(after)
    there = _GRID + _flow(first, second)
    moved = cv2.remap(
        second, there[..., 0], there[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    a, b = first[_FACE].astype(np.float64), moved[_FACE].astype(np.float64)
    spread = float(a.std() * b.std())
    return float(((a - a.mean()) * (b - b.mean())).mean()) / spread if spread else 0.0


def _beyond(
    plane: NDArray[np.float64], moved: NDArray[np.float32], zone: NDArray[np.bool_]
) -> float:
    """How far a zone has moved to the right of where the plane would have taken it."""
    expected = cv2.perspectiveTransform(_GRID[zone][None], plane)[0]
    return float(np.median((moved[zone] - expected)[:, 0])) / _EYE_DISTANCE


def _flow(before: Grey, after: Grey) -> NDArray[np.float32]:
    dense = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return np.asarray(
        dense.calc(before, after, None),  # type: ignore[call-overload]  # None: no first guess
        np.float32,
    )


def _grey(chip: Chip) -> Grey:
    return np.asarray(cv2.cvtColor(chip, cv2.COLOR_RGB2GRAY), np.uint8)
