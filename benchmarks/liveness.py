"""How often heads are taken for heads, and attacks too, at the product's own rule.

    python -m benchmarks.liveness [--people DIR] [--split test|tune|all] [--photos N]
                                  [--variations N] [--workers N] [--json]

Every recording is made from a photo (``benchmarks/heads.py`` says how, and what that is worth),
given noise, changing light and JPEG artefacts, and put to ``facelogin.pipeline`` as an enrolment,
which asks for one live head that follows the challenge and for nothing else. The thresholds were
set on the people of ``tune`` (every other one); the figures to quote are those of ``test``.

A variation is another camera, light, distance, pace and challenge for the same photos: more of them
say more about these people, and nothing about others.
"""

import argparse
import json
import os
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks import heads, photos
from benchmarks.heads import Conditions, Portrait, Pose
from facelogin import pipeline
from facelogin.challenge import Step, draw_challenge
from facelogin.decoding import Picture
from facelogin.detection import UnusableFrameError, find_face

FRAMES = 40
SIDES = {Step.LEFT: 1, Step.RIGHT: -1}
LARGEST_TURN = 46  # degrees
PAGE_GOES_ON = 0.13  # eye distances; web/src/app/face/follow.ts
MOST_TURNED_PHOTO = 0.14  # of a photo that can stand for somebody who looks at the camera
LEAST_EYES = 60  # pixels between them: fewer would be a blur at the distance of a screen
NOT_MEASURED = (
    "real heads in front of real cameras",
    "real prints, screens and masks",
    "injected video, generated or recorded, that follows the challenge",
)


@dataclass(frozen=True)
class Subject:
    person: str
    portrait: Portrait


@dataclass
class Tally:
    """What became of the recordings of one kind."""

    accepted: Counter[str] = field(default_factory=Counter)
    made: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, person: str, reasons: Sequence[str]) -> None:
        self.made[person] += 1
        self.accepted[person] += not reasons
        self.reasons.update(reasons)

    def rate(self, drawn: Mapping[str, int]) -> float | None:
        made = sum(self.made[person] * times for person, times in drawn.items())
        taken = sum(self.accepted[person] * times for person, times in drawn.items())
        return taken / made if made else None

    def report(self) -> dict[str, object]:
        people = sorted(self.made)
        made = self.made.total()
        taken = self.accepted.total()
        return {
            "recordings": made,
            "people": len(people),
            "accepted": taken,
            "acceptance": taken / made if made else None,
            "interval_95": photos.interval_by_person(people, self.rate),
            "upper_limit_if_independent": photos.rule_of_three(made) if not taken else None,
            "reasons": dict(self.reasons.most_common()),
        }


Recording = Callable[[Subject, Sequence[Step], Conditions], list[bytes]]


def head(subject: Subject, challenge: Sequence[Step], conditions: Conditions) -> list[bytes]:
    """A synthetic head that turns until the page has seen it, or further, and sways."""
    relief = heads.head_of(subject.portrait)
    further = conditions.random.uniform(0, 8)
    degrees = {side: _guided(subject.portrait, relief, side) + further for side in SIDES}
    return _filmed(subject, relief, _obedient(challenge, degrees, conditions), conditions)


def _guided(portrait: Portrait, relief: heads.Relief, side: Step) -> float:
    """How far this head turns until the page goes on: it waits for the nose, not for an angle."""
    straight = _nose(portrait, relief, 0)
    for degrees in range(18, LARGEST_TURN, 4):
        nose = _nose(portrait, relief, SIDES[side] * degrees)
        if straight is None or nose is None:
            break
        if SIDES[side] * (nose - straight) >= PAGE_GOES_ON:
            return degrees
    return 24


def _nose(portrait: Portrait, relief: heads.Relief, yaw: float) -> float | None:
    try:
        return find_face(heads.show(portrait, relief, Pose(yaw=yaw))).turn
    except UnusableFrameError:
        return None


def flat(subject: Subject, challenge: Sequence[Step], conditions: Conditions) -> list[bytes]:
    """A photo turned like a head, as far as it will be found."""
    degrees = conditions.random.uniform(20, 45)
    return _filmed(subject, heads.flat, _obedient(challenge, degrees, conditions), conditions)


def bent(subject: Subject, challenge: Sequence[Step], conditions: Conditions) -> list[bytes]:
    """A photo bent around an upright or a level axis, and turned."""
    radius = conditions.random.uniform(1.1, 3.0)
    upright = conditions.random.random() < 0.5  # both alike
    relief = heads.bent_upright(radius) if upright else heads.bent_across(radius)
    degrees = conditions.random.uniform(20, 40)
    return _filmed(subject, relief, _obedient(challenge, degrees, conditions), conditions)


def scaled(subject: Subject, challenge: Sequence[Step], conditions: Conditions) -> list[bytes]:
    """A photo turned, and moved nearer and away, wider and narrower, as it turns."""
    degrees = conditions.random.uniform(15, 40)
    poses = [
        replace(p, nearer=p.nearer + abs(p.yaw) / 25, stretch=1 + p.yaw / 250, x=p.x + p.yaw / 90)
        for p in _obedient(challenge, degrees, conditions)
    ]
    return _filmed(subject, heads.flat, poses, conditions)


def tilted(subject: Subject, challenge: Sequence[Step], conditions: Conditions) -> list[bytes]:
    """A photo turned about all three axes at once."""
    degrees = conditions.random.uniform(15, 40)
    pitch, roll = conditions.random.uniform(-0.9, 0.9, 2)
    poses = [
        replace(p, pitch=p.yaw * pitch, roll=p.yaw * roll)
        for p in _obedient(challenge, degrees, conditions)
    ]
    return _filmed(subject, heads.flat, poses, conditions)


def swaying(subject: Subject, _challenge: Sequence[Step], conditions: Conditions) -> list[bytes]:
    """A still that is moved about in front of the camera."""
    at = np.linspace(0, 4 * np.pi, FRAMES)
    poses = [
        Pose(x=float(0.4 * np.sin(t)), y=float(0.2 * np.cos(t)), roll=float(8 * np.sin(2 * t)))
        for t in at
    ]
    return _filmed(subject, heads.flat, poses, conditions)


def three_stills(
    subject: Subject, challenge: Sequence[Step], conditions: Conditions
) -> list[bytes]:
    """Three pictures of the head, straight and turned to each side, each shown when asked for."""
    relief = heads.head_of(subject.portrait)
    yaws = {side: SIDES[side] * (_guided(subject.portrait, relief, side) + 4) for side in SIDES}
    stills = {
        step: heads.show(subject.portrait, relief, Pose(yaw=yaws.get(step, 0.0))) for step in Step
    }
    source = conditions.random
    moved = np.cumsum(source.normal(0, 1.5, (FRAMES, 2)), axis=0)
    return [
        heads.recorded(_moved(stills[challenge[n * len(challenge) // FRAMES]], at), conditions)
        for n, at in enumerate(moved)
    ]


def _moved(picture: Picture, at: NDArray[np.float64]) -> Picture:
    """The picture, so many pixels across and down."""
    matrix = np.array([[1, 0, at[0]], [0, 1, at[1]]], np.float64)
    size = (heads.WIDTH, heads.HEIGHT)
    return np.asarray(cv2.warpAffine(picture, matrix, size, borderValue=heads.WALL), np.uint8)


KINDS: dict[str, Recording] = {
    "head": head,
    "flat": flat,
    "bent": bent,
    "scaled": scaled,
    "tilted": tilted,
    "swaying": swaying,
    "three_stills": three_stills,
}


def still_then_head(
    still: list[bytes], moving: list[bytes], challenge: Sequence[Step]
) -> list[bytes]:
    """Somebody shows a photo while asked to look straight, and turns the own head."""
    return [
        still[n] if challenge[n * len(challenge) // FRAMES] is Step.STRAIGHT else moving[n]
        for n in range(FRAMES)
    ]


def first_one_then_the_other(first: list[bytes], second: list[bytes]) -> list[bytes]:
    """One head does the first half of the challenge, another one the second."""
    return first[: FRAMES // 2] + second[FRAMES // 2 :]


def _obedient(
    challenge: Sequence[Step], degrees: float | Mapping[Step, float], conditions: Conditions
) -> list[Pose]:
    """Each turns as fast, sits as near and as far from the middle as it likes."""
    half = conditions.random.uniform(0.8, 2.6)  # frames that half a turn takes
    nearer, across, down = conditions.random.uniform((-1.2, -0.5, -0.3), (0.8, 0.5, 0.3))
    far = degrees if isinstance(degrees, Mapping) else dict.fromkeys(SIDES, degrees)
    held = [SIDES.get(step, 0) * far.get(step, 0) for step in challenge]
    middles = (np.arange(len(held)) + 0.6) * FRAMES / len(held)
    around = [edge for middle in middles for edge in (middle - half, middle + half)]
    yaws = np.interp(np.arange(FRAMES), around, np.repeat(held, 2))
    sway = np.cumsum(conditions.random.normal(0, 0.01, (FRAMES, 3)), axis=0)
    return [
        Pose(
            yaw=float(yaw),
            x=float(across + x),
            y=float(down + y),
            nearer=float(nearer),
            pitch=float(20 * tilt),
        )
        for yaw, (x, y, tilt) in zip(yaws, sway, strict=True)
    ]


def _filmed(
    subject: Subject, relief: heads.Relief, poses: Sequence[Pose], conditions: Conditions
) -> list[bytes]:
    return [
        heads.recorded(heads.show(subject.portrait, relief, pose), conditions) for pose in poses
    ]


def conditions_for(seed: int) -> Conditions:
    """A camera and a light for one recording."""
    source = np.random.default_rng(seed)
    return Conditions(
        noise=float(source.uniform(1, 8)),
        brightness=float(source.uniform(0.7, 1.15)),
        flicker=float(source.uniform(0, 0.06)),
        quality=int(source.integers(50, 95)),
        random=source,
    )


def subjects_of(folder: Path, *, split: str, most: int) -> list[Subject]:
    """The photos that show somebody who looks about straight, of the people of one split."""
    people = photos.read_people(folder)
    names = sorted(people)
    chosen = {"tune": names[0::2], "test": names[1::2], "all": names}[split]
    return [Subject(name, portrait) for name in chosen for portrait in _usable(people[name])[:most]]


def _usable(pictures: Sequence[Picture]) -> list[Portrait]:
    found = []
    for picture in pictures:
        try:
            portrait = heads.portrait_of(picture)
        except UnusableFrameError:
            continue
        if abs(portrait.turn) <= MOST_TURNED_PHOTO and portrait.eyes >= LEAST_EYES:
            found.append(portrait)
    return found


def judged(frames: Sequence[bytes], challenge: Sequence[Step]) -> list[str]:
    """Why the product refuses; nothing when it accepts."""
    steps = [number * len(challenge) // len(frames) for number in range(len(frames))]
    film = pipeline.Film(challenge=challenge, frames=frames, steps=steps)
    verdict = pipeline.judge_enrolment(film, lambda _percent: None)
    return [reason.value for reason in verdict.reasons]


@dataclass(frozen=True)
class Round:
    """One photo, a stranger's, and what chance makes of them."""

    subject: Subject
    stranger: Subject
    seed: int

    def conditions(self, place: int) -> Conditions:
        return conditions_for(1000 * self.seed + place)

    def challenge(self) -> list[Step]:
        return draw_challenge(random.Random(self.seed))


def rounds_of(subjects: Sequence[Subject], *, seed: int, variations: int) -> list[Round]:
    """Every subject so many times, each time with another stranger as far as there are any."""
    found = []
    for place, subject in enumerate([*subjects] * variations):
        start = place % len(subjects) + place // len(subjects) + 1
        others = [*subjects[start:], *subjects[:start]] * 2
        stranger = next(one for one in others if one.person != subject.person)
        found.append(Round(subject, stranger, seed + place))
    return found


def recordings(chance: Round) -> Iterator[tuple[str, list[bytes], list[Step]]]:
    """One recording of every kind, and what was asked for."""
    challenge = chance.challenge()
    made = {}
    for place, (kind, record) in enumerate(KINDS.items()):
        made[kind] = record(chance.subject, challenge, chance.conditions(place))
        yield kind, made[kind], challenge
    stranger = head(chance.stranger, challenge, chance.conditions(len(KINDS)))
    yield "swapped_photo", still_then_head(made["swaying"], stranger, challenge), challenge
    yield "swapped_head", first_one_then_the_other(made["head"], stranger), challenge
    yield "repeated_frames", [made["head"][n - n % 2] for n in range(FRAMES)], challenge
    against = chance.challenge()
    against[1], against[3] = against[3], against[1]
    yield "replayed_in_the_other_order", made["head"], against


def play(chance: Round) -> list[tuple[str, list[str]]]:
    """Every kind, and why the product refuses it."""
    return [(kind, judged(frames, challenge)) for kind, frames, challenge in recordings(chance)]


def run(
    subjects: Sequence[Subject],
    *,
    seed: int,
    variations: int,
    workers: int,
    say: Callable[[str], None],
) -> dict[str, object]:
    tallies: dict[str, Tally] = defaultdict(Tally)
    began = time.monotonic()
    rounds = rounds_of(subjects, seed=seed, variations=variations)
    one_core = cv2.setNumThreads
    with ProcessPoolExecutor(workers, get_context("spawn"), one_core, (1,)) as pool:
        for done, (chance, answers) in enumerate(
            zip(rounds, pool.map(play, rounds), strict=True), start=1
        ):
            for kind, reasons in answers:
                tallies[kind].add(chance.subject.person, reasons)
                if (kind == "head") is bool(reasons):
                    say(f"{kind} {chance.subject.person} {chance.seed}: {reasons or 'accepted'}")
            left = (time.monotonic() - began) / done * (len(rounds) - done)
            say(f"{done} of {len(rounds)}, {left / 60:.0f} min left: {_so_far(tallies)}")
    return {
        "people": sorted({one.person for one in subjects}),
        "photos": len(subjects),
        "acceptance_by_kind": {kind: tally.report() for kind, tally in tallies.items()},
        "heads": "synthetic: a photo on a relief, see benchmarks/heads.py",
        "not_measured": list(NOT_MEASURED),
        "seconds": round(time.monotonic() - began, 1),
    }


def _so_far(tallies: Mapping[str, Tally]) -> str:
    return ", ".join(f"{kind} {tally.accepted.total()}" for kind, tally in tallies.items())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--people", type=Path, default=photos.default_folder())
    parser.add_argument("--split", choices=["test", "tune", "all"], default="test")
    parser.add_argument("--photos", type=int, default=100, help="at most, of each person")
    parser.add_argument("--variations", type=int, default=1, help="of each photo and kind")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    subjects = subjects_of(options.people, split=options.split, most=options.photos)
    found = run(
        subjects,
        seed=options.seed,
        variations=options.variations,
        workers=options.workers,
        say=lambda line: print(line, file=sys.stderr),
    )
    found["split"] = options.split
    if options.json:
        print(json.dumps(found, indent=2))
    else:
        print_table(found)


def print_table(found: Mapping[str, object]) -> None:
    kinds = found["acceptance_by_kind"]
    assert isinstance(kinds, dict)
    for kind, report in kinds.items():
        low, high = report["interval_95"] or (0.0, 0.0)
        print(
            f"{kind:28} {report['accepted']:4} of {report['recordings']:4} accepted"
            f"  {report['acceptance']:.3f} [{low:.3f}, {high:.3f}]  {report['reasons']}"
        )
    print("not measured:", "; ".join(NOT_MEASURED))


if __name__ == "__main__":
    main()
