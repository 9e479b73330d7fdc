"""How often heads are taken for heads, and attacks too, at the product's own rule.

    python -m benchmarks.liveness [--people DIR] [--split test|tune|all] [--photos N]
                                  [--variations N] [--workers N]
                                  [--paces | --video FILE] [--json]

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

from benchmarks import heads, page, photos, scenes
from benchmarks.heads import Conditions, Portrait, Pose
from benchmarks.scenes import SIDES, Show
from facelogin import pipeline
from facelogin.challenge import Step, draw_challenge
from facelogin.decoding import Picture
from facelogin.detection import UnusableFrameError, find_face

LARGEST_TURN = 46  # degrees
Seconds = tuple[float, float]
AT_EASE: Seconds = (0.5, 2.5)  # how long people take to turn their heads that far
SPEEDS = (0.5, 1.0, 2.0, 3.0)
PACES = (0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 2.0)
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


Recorder = Callable[["Subject", Sequence[Step], Conditions], "Recording"]


@dataclass(frozen=True)
class Recording:
    """What a page sends: pictures, and the step that each belongs to."""

    frames: list[bytes]
    steps: list[int]


def head(
    subject: Subject, challenge: Sequence[Step], conditions: Conditions, lasts: Seconds = AT_EASE
) -> Recording:
    """A synthetic head that turns as far as the page asks for, or further, and sways."""
    return _filmed(_head(subject, conditions), challenge, conditions, lasts)


def _head(subject: Subject, conditions: Conditions) -> Show:
    relief = heads.head_of(subject.portrait)
    further = conditions.random.uniform(2, 8)
    yaws = {side: _guided(subject.portrait, relief, side) + further for side in SIDES}
    return scenes.turned(subject.portrait, relief, yaws, _seat(conditions))


def _seat(conditions: Conditions) -> Pose:
    """Each sits as near and as far from the middle as it likes."""
    nearer, x, y = (
        float(one) for one in conditions.random.uniform((-1.2, -0.5, -0.3), (0.8, 0.5, 0.3))
    )
    return Pose(nearer=nearer, x=x, y=y)


def _guided(portrait: Portrait, relief: heads.Relief, side: Step) -> float:
    """How far this head turns until the page goes on: it waits for the nose, not for an angle."""
    straight = _nose(portrait, relief, 0)
    for degrees in range(18, LARGEST_TURN, 4):
        nose = _nose(portrait, relief, SIDES[side] * degrees)
        if straight is None or nose is None:
            break
        if SIDES[side] * (nose - straight) >= page.TURNED:
            return degrees
    return 24


def _nose(portrait: Portrait, relief: heads.Relief, yaw: float) -> float | None:
    try:
        return find_face(heads.show(portrait, relief, Pose(yaw=yaw))).turn
    except UnusableFrameError:
        return None


def _paper(
    relief: heads.Relief,
    degrees: tuple[float, float],
    subject: Subject,
    conditions: Conditions,
    also: scenes.Also = scenes.as_is,
) -> Show:
    yaws = dict.fromkeys(SIDES, conditions.random.uniform(*degrees))
    return scenes.turned(subject.portrait, relief, yaws, _seat(conditions), also)


def flat(subject: Subject, challenge: Sequence[Step], conditions: Conditions) -> Recording:
    """A photo turned like a head, as far as it will be found."""
    photo = _paper(heads.flat, (20, 45), subject, conditions)
    return _filmed(photo, challenge, conditions)


def bent(subject: Subject, challenge: Sequence[Step], conditions: Conditions) -> Recording:
    """A photo bent around an upright or a level axis, and turned."""
    radius = conditions.random.uniform(1.1, 3.0)
    upright = conditions.random.random() < 0.5  # both alike
    relief = heads.bent_upright(radius) if upright else heads.bent_across(radius)
    return _filmed(_paper(relief, (20, 40), subject, conditions), challenge, conditions)


def scaled(subject: Subject, challenge: Sequence[Step], conditions: Conditions) -> Recording:
    """A photo turned, and moved nearer and away, wider and narrower, as it turns."""

    def also(p: Pose) -> Pose:
        nearer = p.nearer + abs(p.yaw) / 25
        return replace(p, nearer=nearer, stretch=1 + p.yaw / 250, x=p.x + p.yaw / 90)

    photo = _paper(heads.flat, (15, 40), subject, conditions, also)
    return _filmed(photo, challenge, conditions)


def tilted(subject: Subject, challenge: Sequence[Step], conditions: Conditions) -> Recording:
    """A photo turned about all three axes at once."""
    pitch, roll = conditions.random.uniform(-0.9, 0.9, 2)

    def also(p: Pose) -> Pose:
        return replace(p, pitch=p.yaw * pitch, roll=p.yaw * roll)

    photo = _paper(heads.flat, (15, 40), subject, conditions, also)
    return _filmed(photo, challenge, conditions)


def swaying(subject: Subject, challenge: Sequence[Step], conditions: Conditions) -> Recording:
    """A still that is moved about in front of the camera."""
    photo = _paper(heads.flat, (0, 0), subject, conditions)

    def sway(position: float, by: scenes.Sway) -> Picture:
        x, y, pitch = by
        return photo(position, (8 * x, 7 * y, 8 * pitch))

    return _filmed(sway, challenge, conditions)


def _stills(between: int, lasts: Seconds) -> Recorder:
    """Pictures of the head, each shown when asked for, with so many between on the way."""

    def record(subject: Subject, challenge: Sequence[Step], conditions: Conditions) -> Recording:
        shown = scenes.stills(_head(subject, conditions), between)
        return _filmed(shown, challenge, conditions, lasts)

    return record


def _made_of_stills(make: Callable[[Show], Show]) -> Recorder:
    """Three pictures of the head, with something in between that shall pass for the turn."""

    def record(subject: Subject, challenge: Sequence[Step], conditions: Conditions) -> Recording:
        return _filmed(make(_head(subject, conditions)), challenge, conditions)

    return record


KINDS: dict[str, Recorder] = {
    "head": head,
    "flat": flat,
    "bent": bent,
    "scaled": scaled,
    "tilted": tilted,
    "swaying": swaying,
    "three_stills": _stills(0, AT_EASE),
    "five_stills": _stills(1, (0.1, 0.6)),
    "seven_stills": _stills(2, (0.2, 0.9)),
    "cross_fade": _made_of_stills(scenes.faded),
    "slide": _made_of_stills(scenes.slid),
    "morph": _made_of_stills(scenes.morphed),
}


def still_then_head(still: Recording, moving: Recording, challenge: Sequence[Step]) -> Recording:
    """Somebody shows a photo while asked to look straight, and turns the own head."""
    frames = [
        first if challenge[step] is Step.STRAIGHT else second
        for first, second, step in zip(still.frames, moving.frames, moving.steps, strict=True)
    ]
    return Recording(frames, moving.steps)


def first_one_then_the_other(first: Recording, second: Recording) -> Recording:
    """One head does the first half of the challenge, another one the second."""
    half = len(first.frames) // 2
    return Recording(first.frames[:half] + second.frames[half:], first.steps)


def each_twice(recording: Recording) -> Recording:
    frames = recording.frames
    return Recording([frames[n - n % 2] for n in range(len(frames))], recording.steps)


def _filmed(
    show: Show, challenge: Sequence[Step], conditions: Conditions, lasts: Seconds = AT_EASE
) -> Recording:
    """The page records somebody who follows it at a pace of their own."""
    actor = scenes.Actor(show, conditions.random, lasts)
    shots = page.Page(actor, challenge, conditions.random).record()
    frames = [heads.recorded(actor.picture(shot.at), conditions) for shot in shots]
    return Recording(frames, [shot.step for shot in shots])


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


def judged(recording: Recording, challenge: Sequence[Step]) -> list[str]:
    """Why the product refuses; nothing when it accepts."""
    film = pipeline.Film(challenge, recording.frames, recording.steps)
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


def recordings(chance: Round) -> Iterator[tuple[str, Recording, list[Step]]]:
    """One recording of every kind, and what was asked for."""
    challenge = chance.challenge()
    made = {}
    for place, (kind, record) in enumerate(KINDS.items()):
        made[kind] = record(chance.subject, challenge, chance.conditions(place))
        yield kind, made[kind], challenge
    stranger = head(chance.stranger, challenge, chance.conditions(len(KINDS)))
    yield "swapped_photo", still_then_head(made["swaying"], stranger, challenge), challenge
    yield "swapped_head", first_one_then_the_other(made["head"], stranger), challenge
    yield "repeated_frames", each_twice(made["head"]), challenge
    against = chance.challenge()
    against[1], against[3] = against[3], against[1]
    yield "replayed_in_the_other_order", made["head"], against


def play(chance: Round) -> list[tuple[str, list[str]]]:
    """Every kind, and why the product refuses it."""
    return [(kind, judged(film, challenge)) for kind, film, challenge in recordings(chance)]


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


def play_pace(job: tuple[Round, float]) -> list[str]:
    """A head that takes so long for each turn."""
    chance, seconds = job
    challenge, conditions = chance.challenge(), chance.conditions(round(100 * seconds))
    return judged(head(chance.subject, challenge, conditions, (seconds, seconds)), challenge)


def run_paces(
    subjects: Sequence[Subject], *, seed: int, variations: int, workers: int
) -> dict[str, object]:
    """Heads only, at one pace after the other: who is in a hurry is refused, and from when?"""
    rounds = rounds_of(subjects, seed=seed, variations=variations)
    jobs = [(chance, seconds) for seconds in PACES for chance in rounds]
    tallies = {seconds: Tally() for seconds in PACES}
    with ProcessPoolExecutor(workers, get_context("spawn"), cv2.setNumThreads, (1,)) as pool:
        for (chance, seconds), reasons in zip(jobs, pool.map(play_pace, jobs), strict=True):
            tallies[seconds].add(chance.subject.person, reasons)
    found = {f"head, {seconds} s": tally.report() for seconds, tally in tallies.items()}
    return {"acceptance_by_kind": found}


def play_video(job: tuple[Path, int, float]) -> list[str]:
    """A video of a turning head, so much faster, from somewhere in it."""
    path, seed, speed = job
    source = np.random.default_rng(seed)
    challenge = draw_challenge(random.Random(seed))
    video = scenes.Video(*scenes.read_video(path), float(source.uniform(0, 8)), speed)
    shots = page.Page(video, challenge, source, 1.1 / scenes.VIDEO_RATE).record()
    shown = Recording([video.frame(shot.at) for shot in shots], [shot.step for shot in shots])
    return judged(shown, challenge)


def run_video(path: Path, *, seed: int, variations: int, workers: int) -> dict[str, object]:
    jobs = [(path, seed + n, speed) for speed in SPEEDS for n in range(variations)]
    tallies = {speed: Tally() for speed in SPEEDS}
    with ProcessPoolExecutor(workers, get_context("spawn"), cv2.setNumThreads, (1,)) as pool:
        for (_, _, speed), reasons in zip(jobs, pool.map(play_video, jobs), strict=True):
            tallies[speed].add(path.stem, reasons)
    found = {f"{path.stem}, {speed} times as fast": one.report() for speed, one in tallies.items()}
    return {"acceptance_by_kind": found}


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
    parser.add_argument("--paces", action="store_true", help="heads only, faster and slower")
    parser.add_argument("--video", type=Path, help="an MJPEG of a turning head, instead of photos")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    subjects = subjects_of(options.people, split=options.split, most=options.photos)
    chances = {
        "seed": options.seed,
        "variations": options.variations,
        "workers": options.workers,
    }
    if options.video:
        found = run_video(options.video, **chances)
    elif options.paces:
        found = run_paces(subjects, **chances)
    else:
        found = run(subjects, **chances, say=lambda line: print(line, file=sys.stderr))
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
