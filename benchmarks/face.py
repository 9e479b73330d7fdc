"""How often the product takes people for others, and how often it does not know its own.

    python -m benchmarks.face --people DIR [--model Dlib] [--json]

DIR holds photos and a ``people.csv`` (person,file). Every enrolment is three different photos of
one person; every other photo of that person is a genuine try, every photo of another an impostor's.
A photo stands for the three frames of a capture. The decision is ``facelogin.matching``'s, at the
default threshold. The intervals draw people, not pairs; with few people they are too narrow still.
"""

import argparse
import json
import random
import resource
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks import photos
from facelogin import embedding
from facelogin.decoding import Picture
from facelogin.detection import Sighting, UnusableFrameError, find_face
from facelogin.embedding import embed
from facelogin.matching import Embedding, distance_to_enrolment
from facelogin.networks import NETWORKS

# After facelogin.embedding, which lays the weights where it looks.
from deepface import DeepFace  # type: ignore[import-untyped]  # isort: skip

DET_THRESHOLDS = [0.30, 0.35, 0.40, 0.45, 0.50, 0.55, 0.60]
MORE_THRESHOLDS = [0.70, 0.80, 0.90, 1.00, 1.10, 1.20]  # of networks whose embeddings have length 1
ENROLLED = 3
MOST_ENROLMENTS = 30  # of one person
FRAMES, EMBEDDINGS = 40, 5  # of a login
DEEPFACE_THRESHOLD = 0.07  # its own, for Dlib and the cosine
NOT_MEASURED = (
    "DeepFace's default model VGG-Face: its weights are not installed, and nothing is downloaded",
    "people photographed by the same camera minutes apart, as in real logins",
    "twins and relatives; groups of age, sex and skin",
)

People = dict[str, list[Embedding]]


@dataclass(frozen=True)
class Try:
    """One photo against one enrolment: whose they are, and how far apart."""

    enrolled: str
    shown: str
    distance: float

    @property
    def is_genuine(self) -> bool:
        return self.enrolled == self.shown


def product_embeddings(people: Mapping[str, Sequence[Picture]]) -> tuple[People, int]:
    """Of each usable photo, as the pipeline makes them; and how many photos were not usable."""
    found: People = {}
    unusable = 0
    for person, pictures in people.items():
        for picture in pictures:
            try:
                found.setdefault(person, []).append(embed(find_face(picture).chip))
            except UnusableFrameError:
                unusable += 1
    return found, unusable


def deepface_embeddings(people: Mapping[str, Sequence[Picture]]) -> tuple[People, int]:
    """As DeepFace makes them with its default detector, which may see several faces or none."""
    found: People = {}
    unusable = 0
    for person, pictures in people.items():
        for picture in pictures:
            try:
                found.setdefault(person, []).append(by_deepface(picture))
            except ValueError:  # no face was found
                unusable += 1
    return found, unusable


def by_deepface(picture: Picture) -> Embedding:
    faces = DeepFace.represent(np.ascontiguousarray(picture[:, :, ::-1]), model_name="Dlib")
    return np.asarray(faces[0]["embedding"], np.float64)


def product_tries(people: People, seed: int) -> list[Try]:
    """Every photo against enrolments of three others."""
    tries: list[Try] = []
    for person, own in sorted(people.items()):
        chosen = list(combinations(range(len(own)), ENROLLED))
        random.Random(seed).shuffle(chosen)
        for places in chosen[:MOST_ENROLMENTS]:
            enrolled = [own[place] for place in places]
            tries += [
                Try(person, other, distance_to_enrolment([probe], enrolled))
                for other, shown in people.items()
                for place, probe in enumerate(shown)
                if other != person or place not in places
            ]
    return tries


def deepface_tries(people: People) -> list[Try]:
    """Every pair of photos, by the cosine, as ``DeepFace.verify`` compares them."""
    flat = [(person, one) for person, shown in sorted(people.items()) for one in shown]
    return [
        Try(person, other, 1 - float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b))))
        for (person, a), (other, b) in combinations(flat, 2)
    ]


def rates(tries: Sequence[Try], threshold: float) -> dict[str, object]:
    """The two error rates with their intervals."""
    people = sorted({one.enrolled for one in tries} | {one.shown for one in tries})
    impostors = [one for one in tries if not one.is_genuine]
    genuine = [one for one in tries if one.is_genuine]
    wrong = {id(one) for one in impostors if one.distance <= threshold}
    wrong |= {id(one) for one in genuine if one.distance > threshold}

    def rate(counted: Sequence[Try]) -> Callable[[Mapping[str, int]], float | None]:
        pairs: dict[tuple[str, str], list[int]] = {}
        for one in counted:
            pair = pairs.setdefault((one.enrolled, one.shown), [0, 0])
            pair[0] += id(one) in wrong
            pair[1] += 1

        def of(drawn: Mapping[str, int]) -> float | None:
            failed = made = 0
            for (enrolled, shown), (bad, total) in pairs.items():
                times = drawn[enrolled] * (drawn[shown] if enrolled != shown else 1)
                failed += bad * times
                made += total * times
            return failed / made if made else None

        return of

    everybody = dict.fromkeys(people, 1)
    return {
        "threshold": threshold,
        "genuine": len(genuine),
        "impostor": len(impostors),
        "false_accepts": sum(id(one) in wrong for one in impostors),
        "false_rejects": sum(id(one) in wrong for one in genuine),
        "false_match_rate": rate(impostors)(everybody),
        "false_match_rate_interval_95": photos.interval_by_person(people, rate(impostors)),
        "false_non_match_rate": rate(genuine)(everybody),
        "false_non_match_rate_interval_95": photos.interval_by_person(people, rate(genuine)),
    }


def costs(sighting_of: Picture) -> dict[str, float]:
    """Seconds a frame and a login take here, and the memory of this process."""
    sighting: Sighting = find_face(sighting_of)
    frame = _seconds(lambda: find_face(sighting_of))
    embedding = _seconds(lambda: embed(sighting.chip))
    return {
        "seconds_per_frame": frame,
        "seconds_per_embedding": embedding,
        "seconds_per_login": FRAMES * frame + EMBEDDINGS * embedding,
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _seconds(work: Callable[[], object]) -> float:
    taken = []
    for _ in range(9):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return median(taken)


def run(
    people: Mapping[str, Sequence[Picture]], *, threshold: float, seed: int = 7
) -> dict[str, object]:
    is_normalised = embedding.in_use().is_normalised
    det = DET_THRESHOLDS + (MORE_THRESHOLDS if is_normalised else [])
    ours, unusable = product_embeddings(people)
    theirs, not_found = deepface_embeddings(people)
    tries = product_tries(ours, seed)
    pictures = [one for shown in people.values() for one in shown]
    return {
        "model": embedding.in_use().name,
        **rates(tries, threshold),
        "people": len(people),
        "photos": len(pictures),
        "photos_not_usable": unusable,
        "det": [rates(tries, threshold) for threshold in det],
        "deepface_defaults": {
            **rates(deepface_tries(theirs), DEEPFACE_THRESHOLD),
            "what": "model Dlib, detector opencv, cosine, pairs of photos",
            "photos_not_usable": not_found,
        },
        "costs": costs(next(one for one in pictures if _is_usable(one))),
        "not_measured": list(NOT_MEASURED),
    }


def _is_usable(picture: Picture) -> bool:
    try:
        find_face(picture)
    except UnusableFrameError:
        return False
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--people", type=Path, default=photos.default_folder())
    parser.add_argument("--model", choices=list(NETWORKS), default="Dlib")
    parser.add_argument("--threshold", type=float, help="the decision rule; Dlib: 0.5")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    network = NETWORKS[options.model]
    embedding.use(network)
    threshold = options.threshold or network.threshold or 1.0
    found = run(photos.read_people(options.people), threshold=threshold)
    if options.json:
        print(json.dumps(found, indent=2))
        return
    for name, value in found.items():
        print(f"{name}: {json.dumps(value)}")


if __name__ == "__main__":
    main()
