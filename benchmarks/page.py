"""Records what is before a camera as the page does (``web/src/app/face``).

When does it go on to the next step, and which of the pictures does it send? What stands before the
camera says how far it seems turned at a moment, and is told when the page asks for another step.
Pictures are made only of the moments that are sent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Protocol

import numpy as np

from facelogin.challenge import Step

# The names and numbers of follow.ts and plan.ts; in eye distances and seconds.
TURNED, STRAIGHT, NOT_YET_TURNED, STEADY_WITHIN = 0.13, 0.05, 0.04, 0.06
STEADY, STEP, LONGEST_TURN = 1.0, 9.5, 3.0
STEADY_LOOKS = 3
MOST_OFF_CENTRE = 0.22
OF_A_TURN, OF_STRAIGHT, BEFORE, AFTER = 14, 4, 4, 4
FRAME_EVERY = (0.034, 0.1)  # cameras with 10 to 30 pictures a second, and a moment to encode
LOOK = (0.12, 0.35)  # until the worker's answer
LOOK_NOISE = 0.008


class Scene(Protocol):
    def asked(self, step: Step, at: float) -> None: ...

    def turn(self, at: float) -> float:
        """In eye distances, to the person's left."""


@dataclass(frozen=True)
class Shot:
    step: int
    at: float


@dataclass(frozen=True)
class _Look:
    place: int
    at: float
    turn: float


class Page:
    """One recording; the camera gives its pictures at a pace of its own."""

    def __init__(
        self,
        scene: Scene,
        challenge: Sequence[Step],
        random: np.random.Generator,
        frame_every: float | None = None,
    ) -> None:
        self.scene, self.challenge, self.random = scene, challenge, random
        self.frame_every = frame_every or float(random.uniform(*FRAME_EVERY))
        self.neutral: float | None = None
        self.now = 0.0

    def record(self) -> list[Shot]:
        shots: list[Shot] = []
        for number, step in enumerate(self.challenge):
            self.scene.asked(step, self.now)
            shots += [Shot(number, at) for at in self._record(step)]
        return shots

    def _record(self, step: Step) -> list[float]:
        """The moments of one step whose pictures are sent."""
        count = OF_STRAIGHT if step is Step.STRAIGHT else OF_A_TURN
        moments: list[float] = []
        looks: list[_Look] = []
        answer_at, followed, began = self.now, None, self.now
        asked: _Look | None = None
        while len(moments) < count or (followed is None and self.now - began <= STEP):
            moments.append(self.now)
            if asked is None and followed is None:
                asked = _Look(len(moments) - 1, self.now, self._look())
                answer_at = self.now + float(self.random.uniform(*LOOK))
            self.now += self.frame_every * float(self.random.uniform(0.9, 1.1))
            if asked is not None and answer_at <= self.now:
                looks.append(asked)
                followed, asked = self._followed(step, looks), None
        if self.neutral is None:
            self.neutral = median(one.turn for one in looks)
        last = len(moments) - 1
        return kept(moments, count, *(followed or (last, last)))

    def _look(self) -> float:
        return self.scene.turn(self.now) + float(self.random.normal(0, LOOK_NOISE))

    def _followed(self, step: Step, looks: Sequence[_Look]) -> tuple[int, int] | None:
        """The places of the last look before the turn and of the one that shows it."""
        now = looks[-1]
        if self.neutral is None:
            return (now.place, now.place) if self._settles(looks) else None
        if step is Step.STRAIGHT:
            is_straight = abs(now.turn - self.neutral) <= STRAIGHT
            return (now.place, now.place) if is_straight else None
        side = 1 if step is Step.LEFT else -1
        moved = [side * (one.turn - self.neutral) for one in looks]
        before = [n for n, turn in enumerate(moved) if turn <= NOT_YET_TURNED]
        if moved[-1] < TURNED or not before or now.at - looks[before[-1]].at > LONGEST_TURN:
            return None
        return looks[before[-1]].place, now.place

    def _settles(self, looks: Sequence[_Look]) -> bool:
        at = looks[-1].at
        turns = [one.turn for one in looks if one.at >= at - STEADY]
        if at - looks[0].at < STEADY or len(turns) < STEADY_LOOKS:
            return False
        if max(turns) - min(turns) > STEADY_WITHIN or abs(median(turns)) > MOST_OFF_CENTRE:
            return False
        self.neutral = median(turns)
        return True


def kept(moments: Sequence[float], count: int, start: int, shown: int) -> list[float]:
    """As ``keep`` of follow.ts: a whole turn, thinned evenly, or the last moments of the step."""
    is_turn = shown > start
    end = min(shown + (AFTER if is_turn else count - 1), len(moments) - 1)
    begin = max(0, min(start - BEFORE if is_turn else shown, end + 1 - count))
    span = max(end - begin, count - 1)
    return [moments[begin + round(n * span / (count - 1))] for n in range(count)]
