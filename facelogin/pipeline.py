"""From the frames of a capture to a verdict: what the worker runs, without rows or clock."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from statistics import median

import numpy as np

from facelogin import liveness, matching
from facelogin.challenge import Step
from facelogin.decoding import Picture, decode
from facelogin.detection import Sighting, UnusableFrameError, find_face
from facelogin.embedding import Embedding, embed, in_use
from facelogin.jpeg import BadJpegError
from facelogin.lifecycle import Reason

LEAST_USABLE = 0.6  # of the frames; a moving head is lost now and then
MOST_WITH_MANY = 0.1  # somebody passed behind
LEAST_DISTINCT = 0.7  # of the frames, byte for byte
REASONS_SAID = 3

Progress = Callable[[int], None]
Decode = Callable[[bytes], Picture]


@dataclass(frozen=True)
class Film:
    """What was asked for, and the frames in order, each with the index of the step then shown."""

    challenge: Sequence[Step]
    frames: Sequence[bytes] = field(repr=False)
    steps: Sequence[int]


@dataclass(frozen=True)
class Verdict:
    """Refused for these reasons, or passed; with the embeddings of an enrolment that passed.

    A verification that passed with ease brings those of a refreshed template.
    """

    reasons: tuple[Reason, ...] = ()
    embeddings: tuple[Embedding, ...] = field(default=(), repr=False)


class RefusedError(Exception):
    def __init__(self, *reasons: Reason) -> None:
        super().__init__(*reasons)
        self.reasons = reasons


def warm_up() -> None:
    """Load every model, so that the first person does not wait for it."""
    blank = np.full((240, 320, 3), 128, np.uint8)
    try:
        find_face(blank)
    except UnusableFrameError:
        embed(blank[:150, :150])


def judge_enrolment(film: Film, progress: Progress, *, decode: Decode = decode) -> Verdict:
    """One embedding of each pose, if they are of one live head and the poses do vary."""
    try:
        evidence = _examine(film, progress, decode)
    except RefusedError as refused:
        return Verdict(reasons=refused.reasons)
    return Verdict(embeddings=(evidence.straight[0], *evidence.turned))


def judge_verification(
    film: Film,
    enrolled: Sequence[Embedding],
    threshold: float,
    progress: Progress,
    *,
    decode: Decode = decode,
) -> Verdict:
    """Compare the sharpest frontal frames of a live head with the enrolment."""
    try:
        evidence = _examine(film, progress, decode)
    except RefusedError as refused:
        return Verdict(reasons=refused.reasons)
    if not matching.is_recognised(evidence.straight, enrolled, threshold=threshold):
        return Verdict(reasons=(Reason.NOT_RECOGNISED,))
    if matching.distance_to_enrolment(evidence.straight, enrolled) > matching.CERTAIN * threshold:
        return Verdict()
    seen = (evidence.straight[0], *evidence.turned)
    return Verdict(embeddings=matching.refreshed(enrolled, seen))


def pack(embeddings: Sequence[Embedding]) -> bytes:
    return b"".join(one.astype("<f8").tobytes() for one in embeddings)


def unpack(packed: bytes) -> list[Embedding]:
    return list(np.frombuffer(packed, "<f8").astype(np.float64).reshape(-1, in_use().size))


@dataclass(frozen=True, repr=False)
class _Evidence:
    """The embeddings of one head: the sharpest straight frames, and one turned to each side."""

    straight: tuple[Embedding, ...]
    turned: tuple[Embedding, Embedding]


def _examine(film: Film, progress: Progress, decode: Decode) -> _Evidence:
    """Refuse whatever is not one live head that follows the challenge.

    What shows the depth of a head are the frames whose embeddings are compared, with each other
    and with the enrolment: a face that is exchanged in between is another one in some of them.
    """
    steps = _steps(film, _sightings(film, progress, decode))
    poses = _poses(film.challenge, steps)
    _check_repetition(film.frames)
    if not all(liveness.is_continuous(seen) for seen in steps.values()):
        raise RefusedError(Reason.INTERRUPTED)
    straight, turned = _chosen(film.challenge, steps, poses)
    if not all(one.looks_real for one in (*straight, *turned.values())):
        raise RefusedError(Reason.NOT_A_HEAD)
    evidence = _Evidence(
        straight=tuple(embed(one.chip) for one in straight),
        turned=(embed(turned[Step.LEFT].chip), embed(turned[Step.RIGHT].chip)),
    )
    progress(95)
    others = evidence.straight[1:] + evidence.turned
    limit = in_use().one_person or matching.ONE_PERSON
    if not matching.is_one_person(evidence.straight[0], others, limit=limit):
        raise RefusedError(Reason.INTERRUPTED)  # two, one after the other
    return evidence


def _chosen(
    challenge: Sequence[Step],
    steps: dict[int, list[Sighting]],
    poses: dict[int, list[Sighting]],
) -> tuple[list[Sighting], dict[Step, Sighting]]:
    """The sharpest frame of each straight step, the sharpest of all first, and one of each side.

    The turned ones show that it is a head, which is checked here.
    """
    straight = sorted(
        (
            max(poses[index], key=lambda one: one.sharpness)
            for index, step in enumerate(challenge)
            if step is Step.STRAIGHT
        ),
        key=lambda one: one.sharpness,
        reverse=True,
    )
    turned: dict[Step, Sighting] = {}
    for index, step in enumerate(challenge):
        if step is not Step.STRAIGHT:
            turned[step] = _a_little_turned(poses[index])
            depths = _depths(straight[0], steps[index], step)
            _check_depth(depths, turned[step], poses[index])
    return straight, turned


def _check_repetition(frames: Sequence[bytes]) -> None:
    """A camera never gives the same picture twice; a looping or frozen one does."""
    if len(set(frames)) < LEAST_DISTINCT * len(frames):
        raise RefusedError(Reason.REPEATED)


def _depths(straight: Sighting, seen: Sequence[Sighting], side: Step) -> dict[int, float]:
    """How far the nose stands out to this side in each of the frames, by their numbers."""
    sign = 1 if side is Step.LEFT else -1
    return {one.number: sign * liveness.parallax(straight.chip, one.chip) for one in seen}


def _check_depth(depths: dict[int, float], compared: Sighting, turned: Sequence[Sighting]) -> None:
    """Both the frame that will be compared and most others show a head, and how it got there."""
    full = median(depths[one.number] for one in turned)
    if depths[compared.number] < liveness.LEAST_PARALLAX or full < liveness.LEAST_PARALLAX:
        raise RefusedError(Reason.NOT_A_HEAD)
    if not liveness.is_gradual(list(depths.values())):
        raise RefusedError(Reason.TURNED_TOO_FAST)


def _sightings(film: Film, progress: Progress, decode: Decode) -> list[Sighting]:
    """The faces of the usable frames; refuses when too few are usable."""
    frames = film.frames
    found: list[Sighting] = []
    problems: Counter[Reason] = Counter()
    for number, frame in enumerate(frames):
        try:
            found.append(replace(find_face(decode(frame)), number=number))
        except BadJpegError as error:
            raise RefusedError(Reason.BAD_FRAME) from error
        except UnusableFrameError as unusable:
            problems[unusable.reason] += 1
        progress(80 * (number + 1) // len(frames))
    if problems[Reason.MANY_FACES] > MOST_WITH_MANY * len(frames):
        raise RefusedError(Reason.MANY_FACES)
    if len(found) < LEAST_USABLE * len(frames):
        raise RefusedError(*(reason for reason, _ in problems.most_common(REASONS_SAID)))
    return found


def _steps(film: Film, sightings: Sequence[Sighting]) -> dict[int, list[Sighting]]:
    """The sightings by step, their turns from where the nose stands when the person is straight."""
    straight = {n for n, step in enumerate(film.challenge) if step is Step.STRAIGHT}
    neutral = matching.neutral_turn(
        [one.turn for one in sightings if film.steps[one.number] in straight]
        or [one.turn for one in sightings]
    )
    if abs(neutral) > matching.MOST_TURNED_NEUTRAL:
        raise RefusedError(Reason.NOT_FRONTAL)
    steps: dict[int, list[Sighting]] = {index: [] for index in range(len(film.challenge))}
    for one in sightings:
        steps[film.steps[one.number]].append(replace(one, turn=one.turn - neutral))
    return steps


def _poses(
    challenge: Sequence[Step], steps: dict[int, list[Sighting]]
) -> dict[int, list[Sighting]]:
    """Of each step the frames in the pose that it asks for; refuses when a step has none."""
    poses = {
        index: [one for one in seen if matching.pose_of(one.turn) is challenge[index]]
        for index, seen in steps.items()
    }
    moved = {matching.pose_of(one.turn) for seen in steps.values() for one in seen}
    if moved.isdisjoint({Step.LEFT, Step.RIGHT}):
        raise RefusedError(Reason.TOO_ALIKE, Reason.STEPS_NOT_FOLLOWED)
    if not all(poses.values()):
        raise RefusedError(Reason.STEPS_NOT_FOLLOWED)
    return poses


def _a_little_turned(sightings: Sequence[Sighting]) -> Sighting:
    """Turned enough to differ, and not so much that half a face is gone."""
    return min(sightings, key=lambda one: abs(abs(one.turn) - matching.BEST_TURN))
