"""What tells a head from a picture of one, on a face that every checkout has."""

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("deepface", reason="the face worker's packages are not installed")

import cv2
import numpy as np
from skimage import data

from benchmarks import heads, page, photos
from benchmarks import liveness as benchmark
from facelogin.challenge import Step
from facelogin.detection import Sighting, find_face
from facelogin.lifecycle import Reason
from facelogin.liveness import LEAST_PARALLAX, is_continuous, is_gradual, likeness, parallax

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.any_database

CHALLENGE = [Step.STRAIGHT, Step.RIGHT, Step.STRAIGHT, Step.LEFT, Step.STRAIGHT]


@pytest.fixture(scope="module")
def portrait() -> heads.Portrait:
    picture = data.astronaut()  # type: ignore[no-untyped-call]
    return heads.portrait_of(np.asarray(cv2.resize(picture[0:240, 64:384], (640, 480)), np.uint8))


def seen(portrait: heads.Portrait, relief: heads.Relief, yaw: float) -> Sighting:
    return find_face(heads.show(portrait, relief, heads.Pose(yaw=yaw)))


@pytest.mark.parametrize(("yaw", "side"), [(20, 1), (-20, -1)])
def test_the_nose_of_a_turned_head_stands_out_to_the_side_it_turns_to(
    portrait: heads.Portrait, yaw: float, side: int
) -> None:
    straight, turned = (seen(portrait, heads.head_of(portrait), angle) for angle in (0, yaw))

    assert side * (turned.turn - straight.turn) > 0.06
    assert side * parallax(straight.chip, turned.chip) > LEAST_PARALLAX


@pytest.mark.parametrize(
    "relief",
    [heads.flat, heads.bent_upright(1.2), heads.bent_across(1.2), heads.bent_across(2.0)],
    ids=["flat", "bent upright", "bent across", "a little bent across"],
)
@pytest.mark.parametrize("yaw", [-30, -20, 20, 30])
def test_nothing_stands_out_of_paper(
    portrait: heads.Portrait, relief: heads.Relief, yaw: float
) -> None:
    straight, turned = (seen(portrait, relief, angle) for angle in (0, yaw))

    assert abs(parallax(straight.chip, turned.chip)) < LEAST_PARALLAX * 0.8


def test_one_picture_has_no_parallax_with_itself_or_its_mirror_image(
    portrait: heads.Portrait,
) -> None:
    chip = seen(portrait, heads.head_of(portrait), 0).chip

    assert parallax(chip, chip) == pytest.approx(0, abs=1e-3)
    assert parallax(chip, np.full_like(chip, 90)) == pytest.approx(0, abs=LEAST_PARALLAX)


@pytest.fixture(scope="module")
def film(portrait: heads.Portrait) -> list[Sighting]:
    """A head that turns to one side, five degrees from frame to frame."""
    return [
        replace(seen(portrait, heads.head_of(portrait), 5.0 * number), number=number)
        for number in range(5)
    ]


def test_a_head_that_turns_is_continuous(film: list[Sighting]) -> None:
    assert is_continuous(film)
    assert is_continuous(film[::-1])


def test_a_face_that_jumps_grows_or_turns_at_once_is_not_continuous(film: list[Sighting]) -> None:
    middle = film[2]
    wide = np.linalg.norm(middle.points[0] - middle.points[2])

    for changed in (
        replace(middle, points=middle.points + 1.5 * wide),
        replace(middle, points=middle.points.mean(axis=0) + 1.5 * (middle.points - 1)),
        replace(middle, turn=middle.turn + 0.5),
        replace(middle, chip=middle.chip[:, ::-1]),
        replace(middle, chip=np.full_like(middle.chip, 100)),
    ):
        assert not is_continuous([*film[:2], changed, *film[3:]])


def test_a_gap_is_not_held_against_a_head(film: list[Sighting]) -> None:
    assert is_continuous([film[0], film[4]])
    assert not is_continuous([film[0], replace(film[4], number=1, turn=film[0].turn + 0.5)])


def test_another_light_is_alike_and_another_picture_is_not(film: list[Sighting]) -> None:
    chip = film[0].chip
    darker = np.asarray(chip * 0.6 + 5, np.uint8)

    assert likeness(chip, darker) > 0.98
    assert likeness(chip, np.ascontiguousarray(chip[::-1])) < 0.8


WAYS = {
    "a turn": [0, 0.01, 0.03, 0.07, 0.12, 0.17, 0.2, 0.2],
    "one that is seen from a third of the way": [0.06, 0.1, 0.15, 0.2, 0.21],
    "one that goes too far and comes back": [0, 0.06, 0.12, 0.18, 0.26, 0.2],
    "a second one after one too fast": [0, 0.2, 0.2, 0.1, 0.02, 0.08, 0.14, 0.2],
}
JUMPS = {
    "one picture after another": [0, 0, 0, 0.2, 0.2, 0.2],
    "one picture between": [0, 0, 0.1, 0.1, 0.2, 0.2],
    "turned from the beginning": [0.18, 0.19, 0.2, 0.2],
    "straight all the time": [0, 0.01, 0, 0.02],
    "back and forth": [0, 0.06, 0.11, 0.04, 0.09, 0.0, 0.13, 0.2],
    "nothing": [],
}


@pytest.mark.parametrize("depths", WAYS.values(), ids=WAYS)
def test_a_turn_that_is_seen_from_frame_to_frame_is_gradual(depths: list[float]) -> None:
    assert is_gradual(depths)


@pytest.mark.parametrize("depths", JUMPS.values(), ids=JUMPS)
def test_what_is_turned_at_once_is_not_gradual(depths: list[float]) -> None:
    assert not is_gradual(depths)


PLACES = [float(place) for place in range(40)]


@pytest.mark.parametrize(
    ("start", "shown", "count", "expected"),
    [
        (20, 24, 13, PLACES[16:29]),
        (1, 3, 13, PLACES[:13]),
        (11, 27, 13, PLACES[7:32:2]),
        (3, 3, 4, PLACES[3:7]),
        (39, 39, 4, PLACES[36:]),
    ],
    ids=["quick", "at once", "slow", "straight", "never seen"],
)
def test_the_benchmark_sends_the_pictures_that_the_page_sends(
    start: int, shown: int, count: int, expected: list[float]
) -> None:
    """The same examples as in web/tests/app-face.test.ts."""
    assert page.kept(PLACES, count, start, shown) == expected


def filmed(portrait: heads.Portrait, kind: str) -> benchmark.Recording:
    subject = benchmark.Subject("astronaut", portrait)
    return benchmark.KINDS[kind](subject, CHALLENGE, benchmark.conditions_for(3))


def test_a_head_that_follows_the_challenge_is_accepted(portrait: heads.Portrait) -> None:
    assert benchmark.judged(filmed(portrait, "head"), CHALLENGE) == []


@pytest.mark.parametrize("kind", ["flat", "bent", "tilted", "swaying"])
def test_a_photo_that_follows_the_challenge_is_refused(portrait: heads.Portrait, kind: str) -> None:
    assert benchmark.judged(filmed(portrait, kind), CHALLENGE) != []


@pytest.mark.parametrize("kind", ["three_stills", "five_stills", "cross_fade", "slide"])
def test_pictures_of_a_head_instead_of_its_turn_are_refused(
    portrait: heads.Portrait, kind: str
) -> None:
    assert benchmark.judged(filmed(portrait, "head"), CHALLENGE) == []
    assert benchmark.judged(filmed(portrait, kind), CHALLENGE) != []


def test_whoever_turns_too_fast_is_told_so(portrait: heads.Portrait) -> None:
    subject = benchmark.Subject("astronaut", portrait)
    slowly, at_once = (
        benchmark.head(subject, CHALLENGE, benchmark.conditions_for(4), (lasts, lasts))
        for lasts in (1.0, 0.05)
    )

    assert benchmark.judged(slowly, CHALLENGE) == []
    assert benchmark.judged(at_once, CHALLENGE) == [Reason.TURNED_TOO_FAST]


@pytest.fixture(scope="module")
def two_people(face_data: "Path") -> list[benchmark.Subject]:
    files = {"person-2": "img16.jpg", "person-5": "img4.jpg"}
    return [
        benchmark.Subject(person, heads.portrait_of(photos.read_photo(face_data / "people" / file)))
        for person, file in files.items()
    ]


def test_somebody_else_in_the_middle_of_a_capture_is_refused(
    two_people: list[benchmark.Subject],
) -> None:
    conditions = benchmark.conditions_for
    first, second = (
        benchmark.head(subject, CHALLENGE, conditions(number))
        for number, subject in enumerate(two_people)
    )
    still = benchmark.swaying(two_people[0], CHALLENGE, conditions(5))

    assert benchmark.judged(first, CHALLENGE) == []
    assert benchmark.judged(second, CHALLENGE) == []
    for mixed in (
        benchmark.first_one_then_the_other(first, second),
        benchmark.still_then_head(still, second, CHALLENGE),
        benchmark.still_then_head(first, second, CHALLENGE),
    ):
        assert benchmark.judged(mixed, CHALLENGE) != []


def test_a_recording_that_shows_each_picture_twice_is_refused(portrait: heads.Portrait) -> None:
    head = filmed(portrait, "head")

    assert benchmark.judged(benchmark.each_twice(head), CHALLENGE) == [Reason.REPEATED]
