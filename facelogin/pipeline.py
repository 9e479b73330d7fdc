"""From the frames of a capture to a verdict: what the worker runs, without rows or clock."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from facelogin import matching
from facelogin.challenge import Step
from facelogin.decoding import decode
from facelogin.detection import Sighting, UnusableFrameError, find_face
from facelogin.embedding import SIZE, Embedding, embed
from facelogin.jpeg import BadJpegError
from facelogin.lifecycle import Reason

LEAST_USABLE = 0.6  # of the frames; a moving head is lost now and then
MOST_WITH_MANY = 0.1  # somebody passed behind
REASONS_SAID = 3

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Verdict:
    """Refused for these reasons, or passed; an enrolment that passed brings its embeddings."""

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


def judge_enrolment(
    frames: Sequence[bytes], challenge: Sequence[Step], progress: Progress
) -> Verdict:
    """One embedding of each pose, if they are of one person and the poses do vary."""
    try:
        poses = _poses(_sightings(frames, progress), challenge)
    except RefusedError as refused:
        return Verdict(reasons=refused.reasons)
    chosen = [
        max(poses[Step.STRAIGHT], key=lambda one: one.sharpness),
        _a_little_turned(poses[Step.LEFT]),
        _a_little_turned(poses[Step.RIGHT]),
    ]
    embeddings = tuple(embed(one.chip) for one in chosen)
    progress(95)
    if not matching.is_one_person(embeddings[0], embeddings[1:]):
        return Verdict(reasons=(Reason.MANY_FACES,))  # one after the other
    return Verdict(embeddings=embeddings)


def judge_verification(
    frames: Sequence[bytes],
    challenge: Sequence[Step],
    enrolled: Sequence[Embedding],
    threshold: float,
    progress: Progress,
) -> Verdict:
    """Compare the sharpest frontal frames with the enrolment."""
    try:
        poses = _poses(_sightings(frames, progress), challenge)
    except RefusedError as refused:
        return Verdict(reasons=refused.reasons)
    frontal = sorted(poses[Step.STRAIGHT], key=lambda one: one.sharpness, reverse=True)
    probes = [embed(one.chip) for one in frontal[: matching.FRAMES_COMPARED]]
    progress(95)
    if not matching.is_recognised(probes, enrolled, threshold=threshold):
        return Verdict(reasons=(Reason.NOT_RECOGNISED,))
    return Verdict()


def pack(embeddings: Sequence[Embedding]) -> bytes:
    return b"".join(one.astype("<f8").tobytes() for one in embeddings)


def unpack(packed: bytes) -> list[Embedding]:
    return list(np.frombuffer(packed, "<f8").astype(np.float64).reshape(-1, SIZE))


def _sightings(frames: Sequence[bytes], progress: Progress) -> list[Sighting]:
    """The faces of the usable frames; refuses when too few are usable."""
    found: list[Sighting] = []
    problems: Counter[Reason] = Counter()
    for number, frame in enumerate(frames, start=1):
        try:
            found.append(find_face(decode(frame)))
        except BadJpegError as error:
            raise RefusedError(Reason.BAD_FRAME) from error
        except UnusableFrameError as unusable:
            problems[unusable.reason] += 1
        progress(80 * number // len(frames))
    if problems[Reason.MANY_FACES] > MOST_WITH_MANY * len(frames):
        raise RefusedError(Reason.MANY_FACES)
    if len(found) < LEAST_USABLE * len(frames):
        raise RefusedError(*(reason for reason, _ in problems.most_common(REASONS_SAID)))
    return found


def _poses(sightings: Sequence[Sighting], challenge: Sequence[Step]) -> dict[Step, list[Sighting]]:
    """The sightings by pose, their turns from the person's own middle; refuses when one is missing.

    The pose is measured; which step the page showed at that moment is not yet held against it.
    """
    neutral = matching.neutral_turn([one.turn for one in sightings])
    if abs(neutral) > matching.MOST_TURNED_NEUTRAL:
        raise RefusedError(Reason.NOT_FRONTAL)
    poses: dict[Step, list[Sighting]] = {step: [] for step in Step}
    for one in sightings:
        turned = replace(one, turn=one.turn - neutral)
        pose = matching.pose_of(turned.turn)
        if pose is not None:
            poses[pose].append(turned)
    if len(poses[Step.STRAIGHT]) < matching.FRAMES_COMPARED:
        raise RefusedError(Reason.NOT_FRONTAL)
    if not poses[Step.LEFT] and not poses[Step.RIGHT]:
        raise RefusedError(Reason.TOO_ALIKE, Reason.STEPS_NOT_FOLLOWED)
    if not all(poses[step] for step in challenge):
        raise RefusedError(Reason.STEPS_NOT_FOLLOWED)
    return poses


def _a_little_turned(sightings: Sequence[Sighting]) -> Sighting:
    """Turned enough to differ, and not so much that half a face is gone."""
    return min(sightings, key=lambda one: abs(abs(one.turn) - matching.BEST_TURN))
