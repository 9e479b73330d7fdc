"""What the videos of the test data are judged to be; liveness is not promised yet."""

import random
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("deepface", reason="the face worker's packages are not installed")

import cv2
import numpy as np
from skimage import data

from facelogin import detection, pipeline
from facelogin.challenge import Step, draw_challenge
from facelogin.decoding import Picture, decode
from facelogin.lifecycle import Reason
from facelogin.matching import Embedding
from facelogin.pipeline import Film, Verdict
from tests.facelogin.pictures import GOOD

if TYPE_CHECKING:
    from pathlib import Path

    from tests.facelogin.conftest import Camera

    Encoder = Callable[[Picture], bytes]

pytestmark = pytest.mark.any_database

CHALLENGE = draw_challenge(random.Random(7))
OTHER_ORDER = [CHALLENGE[0], CHALLENGE[3], CHALLENGE[2], CHALLENGE[1], CHALLENGE[4]]
THRESHOLD = 0.5


def ignore(_percent: int) -> None:
    """Nobody watches the progress."""


def film_of(frames: Sequence[bytes], challenge: Sequence[Step] = CHALLENGE) -> Film:
    steps = [number * len(challenge) // len(frames) for number in range(len(frames))]
    return Film(challenge=challenge, frames=frames, steps=steps)


def enrol(frames: Sequence[bytes], challenge: Sequence[Step] = CHALLENGE) -> Verdict:
    return pipeline.judge_enrolment(film_of(frames, challenge), ignore)


def verify(
    frames: Sequence[bytes],
    enrolled: Sequence[Embedding],
    challenge: Sequence[Step] = CHALLENGE,
) -> Verdict:
    return pipeline.judge_verification(film_of(frames, challenge), enrolled, THRESHOLD, ignore)


@pytest.fixture(scope="module")
def astronaut() -> Picture:
    """A face that every checkout has (public domain), as a camera would show it."""
    picture = data.astronaut()  # type: ignore[no-untyped-call]
    return np.asarray(cv2.resize(picture[0:240, 64:384], (640, 480)), np.uint8)


@pytest.fixture(scope="module")
def person_5(camera: "Camera") -> Sequence[Embedding]:
    verdict = enrol(camera("person-5-turning", CHALLENGE))
    assert verdict.reasons == ()
    return verdict.embeddings


@pytest.mark.parametrize("challenge", [CHALLENGE, OTHER_ORDER], ids=["drawn", "other"])
@pytest.mark.parametrize("each", [7, 8])
def test_the_enrolled_person_is_recognised_in_either_order(
    camera: "Camera", person_5: Sequence[Embedding], challenge: list[Step], each: int
) -> None:
    frames = camera("person-5-turning", challenge, start=1, each=each)

    assert verify(frames, person_5, challenge).reasons == ()


def test_the_turns_in_another_order_than_asked_for_are_refused(
    camera: "Camera", person_5: Sequence[Embedding]
) -> None:
    frames = camera("person-5-turning", CHALLENGE)

    assert verify(frames, person_5, CHALLENGE).reasons == ()
    assert verify(frames, person_5, OTHER_ORDER).reasons == (Reason.STEPS_NOT_FOLLOWED,)


def test_somebody_else_is_not_recognised(camera: "Camera", person_5: Sequence[Embedding]) -> None:
    frames = camera("person-2-turning", CHALLENGE)

    assert verify(frames, person_5).reasons == (Reason.NOT_RECOGNISED,)
    assert enrol(frames).reasons == ()  # the same frames are good enough for their own person


@pytest.mark.parametrize("video", ["person-5-still", "person-5-flat-photo"])
def test_a_still_that_does_not_turn_both_ways_does_not_follow_the_steps(
    camera: "Camera", person_5: Sequence[Embedding], video: str
) -> None:
    reasons = verify(camera(video, CHALLENGE), person_5).reasons

    assert Reason.STEPS_NOT_FOLLOWED in reasons
    assert Reason.NOT_RECOGNISED not in reasons


def test_an_enrolment_that_does_not_vary_is_refused(camera: "Camera") -> None:
    assert enrol(camera("person-5-turning", CHALLENGE)).reasons == ()
    assert Reason.TOO_ALIKE in enrol(camera("person-5-turning", ["straight"] * 5)).reasons


def test_an_enrolment_of_two_people_one_after_the_other_is_refused(camera: "Camera") -> None:
    first, second = (camera(f"person-{n}-turning", CHALLENGE) for n in (5, 2))

    mixed = first[:18] + second[18:]

    assert enrol(mixed).reasons != ()


def test_a_head_turned_to_its_own_left_moves_the_nose_to_the_right_of_the_picture() -> None:
    left_eye, right_eye = [(60.0, 50.0), (50.0, 50.0)], [(20.0, 50.0), (30.0, 50.0)]
    nose_to_the_right = np.array([*left_eye, *right_eye, (45.0, 70.0)])
    nose_to_the_left = np.array([*left_eye, *right_eye, (35.0, 70.0)])

    assert detection.turn_of(nose_to_the_right) == pytest.approx(5 / 30)
    assert detection.turn_of(nose_to_the_left) == pytest.approx(-5 / 30)


def photo(path: "Path") -> Picture:
    """A photo at the size of a camera's picture."""
    read = cv2.imread(str(path))
    assert read is not None
    scale = 640 / max(read.shape[:2])
    return np.asarray(cv2.cvtColor(cv2.resize(read, None, fx=scale, fy=scale), cv2.COLOR_BGR2RGB))


def darkened(picture: Picture) -> Picture:
    return np.asarray(picture * 0.25, np.uint8)


def overexposed(picture: Picture) -> Picture:
    return np.asarray(np.minimum(picture * 0.15 + 217, 255), np.uint8)


def smeared(picture: Picture) -> Picture:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 7), np.uint8)


def far_away(picture: Picture) -> Picture:
    return np.asarray(cv2.resize(picture, None, fx=0.4, fy=0.4), np.uint8)


def twice(picture: Picture) -> Picture:
    return np.hstack([picture[:, 160:480], picture[:, 160:480]])


def nobody(picture: Picture) -> Picture:
    return np.full_like(picture, 120)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (nobody, Reason.NO_FACE),
        (twice, Reason.MANY_FACES),
        (far_away, Reason.TOO_FAR),
        (darkened, Reason.TOO_DARK),
        (overexposed, Reason.TOO_BRIGHT),
        (smeared, Reason.BLURRED),
    ],
)
def test_a_frame_that_cannot_be_used_says_why(
    astronaut: Picture, as_jpeg: "Encoder", change: Callable[[Picture], Picture], reason: Reason
) -> None:
    assert detection.find_face(decode(as_jpeg(astronaut))).chip.shape == (150, 150, 3)

    with pytest.raises(detection.UnusableFrameError) as refusal:
        detection.find_face(decode(as_jpeg(change(astronaut))))

    assert refusal.value.reason is reason


def test_a_couple_is_refused_because_there_are_two(
    face_data: "Path", as_jpeg: "Encoder", person_5: Sequence[Embedding]
) -> None:
    frame = as_jpeg(photo(face_data / "people" / "couple.jpg"))

    assert verify([frame] * 30, person_5).reasons == (Reason.MANY_FACES,)
    assert enrol([frame] * 30).reasons == (Reason.MANY_FACES,)


def test_one_frame_that_does_not_decode_spoils_the_capture(
    camera: "Camera", person_5: Sequence[Embedding]
) -> None:
    frames = camera("person-5-turning", CHALLENGE)

    assert verify(frames, person_5).reasons == ()
    for broken in (frames[0][:-2], frames[0][:200] + b"\xff\xd9", GOOD, b""):
        assert verify([broken, *frames[1:]], person_5).reasons == (Reason.BAD_FRAME,)


def test_embeddings_survive_packing() -> None:
    embeddings = [np.linspace(0, 1, 128), np.linspace(-1, 0, 128)]

    again = pipeline.unpack(pipeline.pack(embeddings))

    assert [list(one) for one in again] == [list(one) for one in embeddings]


def test_a_verdict_does_not_print_the_embeddings() -> None:
    assert "0.123" not in repr(Verdict(embeddings=(np.full(128, 0.123),)))
