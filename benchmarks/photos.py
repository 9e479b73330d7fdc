"""Reads a folder of photos (``people.csv``: person,file) and says how sure a rate is."""

import csv
import os
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from facelogin.decoding import LARGEST_SIDE, Picture

TABLE = "people.csv"
ROUNDS = 2000


def default_folder() -> Path:
    """The test data beside the checkout."""
    beside = Path(__file__).resolve().parents[2] / "shared"
    return Path(os.environ.get("SECURECHAT_TEST_DATA", beside)) / "faces" / "people"


def read_people(folder: Path) -> dict[str, list[Picture]]:
    """The photos of each person, at the size the pipeline works with."""
    table = next(path for path in (folder / TABLE, folder.parent / TABLE) if path.is_file())
    people: dict[str, list[Picture]] = defaultdict(list)
    with table.open(newline="") as rows:
        for row in csv.DictReader(rows):
            people[row["person"]].append(read_photo(folder / row["file"]))
    return dict(people)


def read_photo(path: Path) -> Picture:
    picture = cv2.imread(str(path))
    if picture is None:
        raise ValueError(f"{path.name} is no picture.")
    scale = LARGEST_SIDE / max(picture.shape[:2])
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2RGB), np.uint8)


def interval_by_person(
    people: Sequence[str], rate: Callable[[Mapping[str, int]], float | None], *, seed: int = 1
) -> tuple[float, float] | None:
    """The 95 % interval of a rate when other people of the same kind had been asked.

    ``rate`` is told how often each person was drawn; it answers ``None`` when nothing is left to
    count. The interval is honest only as far as these people stand for others: with a handful of
    people, and above all with a rate of zero, it is too narrow.
    """
    random = np.random.default_rng(seed)
    found: list[float] = []
    for _ in range(ROUNDS):
        drawn = random.choice(len(people), len(people))
        counts = np.bincount(drawn, minlength=len(people))
        value = rate(dict(zip(people, counts.tolist(), strict=True)))
        if value is not None:
            found.append(value)
    if not found:
        return None
    low, high = np.percentile(found, [2.5, 97.5])
    return float(low), float(high)


def rule_of_three(trials: int) -> float | None:
    """The upper 95 % limit of a rate that was zero in so many independent trials."""
    return min(1.0, 3 / trials) if trials else None
