"""What stands before the camera: a head, or something that shall pass for one.

Each scene is a picture for every position between turned right (-1), straight (0) and turned left
(1), and somebody who moves it there when the page asks.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks import heads
from benchmarks.heads import Portrait, Pose, Relief
from facelogin.challenge import Step
from facelogin.decoding import Picture, decode
from facelogin.detection import UnusableFrameError, find_face

VIDEO_RATE = 20  # frames a second
JPEG_BEGINS = b"\xff\xd8\xff"
SIDES = {Step.LEFT: 1, Step.RIGHT: -1}
Sway = tuple[float, float, float]  # eye distances across and down, degrees of pitch
Show = Callable[[float, Sway], Picture]
Yaws = Mapping[Step, float]  # degrees, both positive
Also = Callable[[Pose], Pose]  # what else moves with a turn
_POSITIONS = np.linspace(-1, 1, 5)


def smooth(part: float) -> float:
    """How people move: slow, fast, slow (least jerk)."""
    return 10 * part**3 - 15 * part**4 + 6 * part**5


def as_is(pose: Pose) -> Pose:
    return pose


@dataclass
class Actor:
    """Moves a scene when asked, after a moment, and sways meanwhile."""

    show: Show
    random: np.random.Generator
    lasts: tuple[float, float]  # seconds of half a turn
    _moves: list[tuple[float, float, float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._phases = self.random.uniform(0, 2 * np.pi, 3)
        self._noses = [_nose(self.show(at, (0, 0, 0))) for at in _POSITIONS]

    def asked(self, step: Step, at: float) -> None:
        begins = at + float(self.random.uniform(0.25, 0.7))
        lasts = float(self.random.uniform(*self.lasts))
        self._moves.append((begins, lasts, self.position(begins), float(SIDES.get(step, 0))))

    def position(self, at: float) -> float:
        for begins, lasts, start, end in reversed(self._moves):
            if at >= begins:
                part = min(1.0, (at - begins) / max(lasts, 1e-6))
                return start + (end - start) * smooth(part)
        return 0.0

    def turn(self, at: float) -> float:
        return float(np.interp(self.position(at), _POSITIONS, self._noses))

    def picture(self, at: float) -> Picture:
        x, y, pitch = np.sin(at * np.array([0.9, 0.7, 0.5]) + self._phases)
        return self.show(self.position(at), (0.05 * x, 0.03 * y, 0.6 * pitch))


@dataclass(frozen=True)
class Video:
    """A recorded head that turns to and fro, whatever the page asks for; it begins anywhere."""

    frames: Sequence[bytes]
    noses: Sequence[float]
    begins: float
    speed: float

    def asked(self, step: Step, at: float) -> None:
        """It does not hear."""

    def turn(self, at: float) -> float:
        return self.noses[self._place(at)]

    def frame(self, at: float) -> bytes:
        return self.frames[self._place(at)]

    def _place(self, at: float) -> int:
        return int((self.begins + at * self.speed) * VIDEO_RATE) % len(self.frames)


@cache
def read_video(path: Path) -> tuple[list[bytes], list[float]]:
    """The frames of an MJPEG, and where the nose stands in each."""
    frames = [JPEG_BEGINS + part for part in path.read_bytes().split(JPEG_BEGINS)[1:]]
    return frames, [_nose(decode(frame)) for frame in frames]


def _nose(picture: Picture) -> float:
    try:
        return find_face(picture).turn
    except UnusableFrameError:
        return 0.0


def turned(portrait: Portrait, relief: Relief, yaws: Yaws, seat: Pose, also: Also = as_is) -> Show:
    """A relief that is turned so many degrees to its two sides."""

    def show(position: float, sway: Sway) -> Picture:
        x, y, pitch = sway
        yaw = position * yaws[Step.LEFT if position > 0 else Step.RIGHT]
        pose = replace(seat, yaw=yaw, x=seat.x + x, y=seat.y + y, pitch=seat.pitch + pitch)
        return heads.show(portrait, relief, also(pose))

    return show


def stills(show: Show, between: int) -> Show:
    """Pictures of a head in place of the head: straight, turned, and so many between."""
    steps = between + 1
    pictures = {n: show(n / steps, (0, 0, 0)) for n in range(-steps, steps + 1)}

    def still(position: float, sway: Sway) -> Picture:
        return moved(pictures[round(position * steps)], sway)

    return still


def faded(show: Show) -> Show:
    """One still fades into the other."""
    pictures = {n: show(n, (0, 0, 0)).astype(np.float32) for n in (-1, 0, 1)}

    def fade(position: float, sway: Sway) -> Picture:
        part = abs(position)
        side = pictures[1 if position > 0 else -1]
        return moved(np.asarray((1 - part) * pictures[0] + part * side, np.uint8), sway)

    return fade


def slid(show: Show) -> Show:
    """One still pushes the other out of the picture."""
    pictures = {n: show(n, (0, 0, 0)) for n in (-1, 0, 1)}

    def slide(position: float, sway: Sway) -> Picture:
        edge = round(abs(position) * heads.WIDTH)
        both = np.hstack([pictures[0], pictures[1 if position > 0 else -1]])
        return moved(np.ascontiguousarray(both[:, edge : edge + heads.WIDTH]), sway)

    return slide


def morphed(show: Show) -> Show:
    """One still is bent into the other along their optical flow."""
    pictures = {n: show(n, (0, 0, 0)) for n in (-1, 0, 1)}
    flows = {n: (_flow(pictures[0], pictures[n]), _flow(pictures[n], pictures[0])) for n in (-1, 1)}

    def morph(position: float, sway: Sway) -> Picture:
        part, side = abs(position), 1 if position > 0 else -1
        there, back = flows[side]
        first = _bent(pictures[0], -part * there).astype(np.float32)
        second = _bent(pictures[side], -(1 - part) * back).astype(np.float32)
        return moved(np.asarray((1 - part) * first + part * second, np.uint8), sway)

    return morph


def moved(picture: Picture, sway: Sway) -> Picture:
    """A still, held by a hand."""
    x, y, roll = sway
    middle = (heads.WIDTH / 2, heads.HEIGHT / 2)
    matrix = np.asarray(cv2.getRotationMatrix2D(middle, roll, 1.0), np.float64)
    matrix[:, 2] += np.array([x, y]) * heads.EYES
    size = (heads.WIDTH, heads.HEIGHT)
    return np.asarray(cv2.warpAffine(picture, matrix, size, borderValue=heads.WALL), np.uint8)


def _flow(first: Picture, second: Picture) -> NDArray[np.float32]:
    dense = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    greys = [np.asarray(cv2.cvtColor(one, cv2.COLOR_RGB2GRAY), np.uint8) for one in (first, second)]
    return np.asarray(
        dense.calc(*greys, None),  # type: ignore[call-overload]  # None: no first guess
        np.float32,
    )


def _bent(picture: Picture, by: NDArray[np.float32]) -> Picture:
    rows, columns = np.mgrid[0 : heads.HEIGHT, 0 : heads.WIDTH].astype(np.float32)
    x, y = (np.asarray(one, np.float32) for one in (columns + by[..., 0], rows + by[..., 1]))
    return np.asarray(cv2.remap(picture, x, y, cv2.INTER_LINEAR), np.uint8)
