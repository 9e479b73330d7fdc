"""What the server asks the person to do in front of the camera."""

import random
from enum import StrEnum


class Step(StrEnum):
    """Left and right are the person's own."""

    STRAIGHT = "straight"
    LEFT = "left"
    RIGHT = "right"


WORDS: dict[Step, str] = {
    Step.STRAIGHT: "Look straight at the camera",
    Step.LEFT: "Turn your head slowly, a little to your left",
    Step.RIGHT: "Turn your head slowly, a little to your right",
}


def draw_challenge(source: random.Random) -> list[Step]:
    """Straight first and last, and both turns between, in an order nobody knows before."""
    turns = [Step.LEFT, Step.RIGHT]
    source.shuffle(turns)
    return [Step.STRAIGHT, turns[0], Step.STRAIGHT, turns[1], Step.STRAIGHT]
