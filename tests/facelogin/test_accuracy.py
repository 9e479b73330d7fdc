"""The short version of ``benchmarks.face`` on the photos beside the checkout: too few for a rate.

It says that the pipeline is put together rightly, not how often it errs: with no false accept
among some hundred comparisons, the true rate may still be some per cent (rule of three).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("deepface", reason="the face worker's packages are not installed")

from benchmarks import face, photos
from facelogin.networks import DLIB

pytestmark = pytest.mark.any_database

THRESHOLD = DLIB.threshold or 0.0


@pytest.fixture(scope="module")
def tries(face_data: Path) -> list[face.Try]:
    found, _ = face.product_embeddings(photos.read_people(face_data / "people"))
    return face.product_tries(found, seed=7)


def test_people_are_recognised_and_strangers_are_not(tries: list[face.Try]) -> None:
    found: Mapping[str, Any] = face.rates(tries, THRESHOLD)

    assert found["genuine"] >= 100
    assert found["impostor"] >= 1000
    assert found["false_accepts"] == 0
    assert found["false_match_rate"] == 0
    assert found["false_non_match_rate"] < 0.05
    low, high = found["false_non_match_rate_interval_95"]
    assert low <= found["false_non_match_rate"] <= high


def test_the_benchmark_counts_what_goes_wrong(tries: list[face.Try]) -> None:
    lax: Mapping[str, Any] = face.rates(tries, 2.0)
    strict: Mapping[str, Any] = face.rates(tries, 0.0)

    assert (lax["false_match_rate"], lax["false_non_match_rate"]) == (1, 0)
    assert (strict["false_match_rate"], strict["false_non_match_rate"]) == (0, 1)


def test_an_interval_draws_people_and_widens_when_one_of_them_fails_alone() -> None:
    people = [f"person-{number}" for number in range(8)]

    def one_fails(drawn: Mapping[str, int]) -> float:
        return drawn["person-0"] / sum(drawn.values())

    interval = photos.interval_by_person(people, one_fails)
    nobody = photos.interval_by_person(people, lambda _drawn: 0.0)

    assert interval is not None
    assert interval[0] == 0
    assert 0.25 < interval[1] < 0.6
    assert list(nobody or ()) == [0, 0]
    assert photos.rule_of_three(100) == pytest.approx(0.03)


def test_photos_are_read_at_the_size_of_the_pipeline(face_data: Path) -> None:
    people = photos.read_people(face_data / "people")

    assert len(people) == 8
    assert {max(one.shape[:2]) for shown in people.values() for one in shown} == {640}
    assert all(one.dtype == np.uint8 for shown in people.values() for one in shown)
