"""A smoke test of the accuracy on the photos beside the checkout: eight people, too few for a rate.

It says that the pipeline is put together rightly, not how often it errs: with no false accept
among some hundred comparisons, the true rate may still be some per cent (rule of three).
"""

import csv
from collections import defaultdict
from itertools import combinations
from pathlib import Path

import pytest

pytest.importorskip("deepface", reason="the face worker's packages are not installed")

import cv2
import numpy as np

from facelogin.decoding import LARGEST_SIDE
from facelogin.detection import UnusableFrameError, find_face
from facelogin.embedding import embed
from facelogin.matching import Embedding, is_recognised

THRESHOLD = 0.5
ENROLLED = 3

People = dict[str, list[Embedding]]


@pytest.fixture(scope="module")
def people(face_data: Path) -> People:
    """The embeddings of the photos in which exactly one usable face is found."""
    found: People = defaultdict(list)
    with (face_data / "people.csv").open() as table:
        for row in csv.DictReader(table):
            picture = cv2.imread(str(face_data / "people" / row["file"]))
            assert picture is not None
            scale = LARGEST_SIDE / max(picture.shape[:2])
            small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            try:
                sighting = find_face(np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2RGB), np.uint8))
            except UnusableFrameError:
                continue
            found[row["person"]].append(embed(sighting.chip))
    return found


def test_the_photos_of_one_person_are_recognised(people: People) -> None:
    results = [
        is_recognised([photo] * 3, enrolled, threshold=THRESHOLD)
        for own in people.values()
        for enrolled in combinations(own, ENROLLED)
        for photo in own
        if not any(photo is one for one in enrolled)
    ]

    assert len(results) >= 100
    assert sum(results) / len(results) >= 0.97


def test_the_photos_of_other_people_are_not(people: People) -> None:
    results = [
        is_recognised([photo] * 3, enrolled, threshold=THRESHOLD)
        for person, own in people.items()
        for enrolled in combinations(own[:5], ENROLLED)
        for other, photos in people.items()
        if other != person
        for photo in photos
    ]

    assert len(results) >= 100
    assert sum(results) == 0
