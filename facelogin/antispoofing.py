"""FasNet: looks at one picture for what print and screens leave in it. Optional: its weights.

Where they are installed every capture must pass it, besides everything else; where they are not, it
is not asked, and nothing is fetched. It was not measured here: no weights were at hand.
"""

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from facelogin.decoding import Picture

_fasnet: Any = None


def load() -> None:
    """Only after ``weights.has_fasnet``: otherwise DeepFace would fetch the files."""
    global _fasnet  # noqa: PLW0603 (one model in each process, as DeepFace keeps its own)
    _fasnet = importlib.import_module("deepface.models.spoofing.onnx.FasNet").Fasnet()


def is_loaded() -> bool:
    return _fasnet is not None


def looks_real(picture: Picture, box: Sequence[int]) -> bool:
    """What FasNet thinks of the face in the box (left, top, width, height)."""
    is_real, _score = _fasnet.analyze(np.ascontiguousarray(picture[:, :, ::-1]), tuple(box))
    return bool(is_real)
