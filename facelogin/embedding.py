"""Turns an aligned chip into numbers, through DeepFace, which is given arrays and nothing else.

A string would be a path or an address to it, its own detectors were measured to be worse here, and
without weights it would fetch them: so it gets a chip, "skip", and a linked file.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facelogin import weights
from facelogin.decoding import Picture
from facelogin.networks import DLIB, Network

if "DEEPFACE_HOME" not in os.environ:  # the command face_worker names a lasting folder
    os.environ["DEEPFACE_HOME"] = tempfile.mkdtemp(prefix="securechat-models-")
    atexit.register(shutil.rmtree, os.environ["DEEPFACE_HOME"], ignore_errors=True)
os.environ["DEEPFACE_BACKEND_ENGINE"] = "onnx"  # no TensorFlow
os.environ.setdefault("DEEPFACE_LOG_LEVEL", "40")  # errors only
weights.link_for_deepface(Path(os.environ["DEEPFACE_HOME"]))

from deepface import DeepFace  # type: ignore[import-untyped]  # noqa: E402 (weights come first)

Embedding = NDArray[np.float64]

_network = DLIB


def use(network: Network) -> None:
    """Embed with this network from now on; raises ``WeightsError`` when it is not installed."""
    global _network  # noqa: PLW0603 (one network in each process, as DeepFace keeps its own)
    weights.require(network, Path(os.environ["DEEPFACE_HOME"]))
    _network = network


def in_use() -> Network:
    return _network


def embed(chip: Picture) -> Embedding:
    """The embedding of an aligned 150 x 150 chip (red-green-blue)."""
    (found,) = DeepFace.represent(
        np.ascontiguousarray(chip[:, :, ::-1]),
        model_name=_network.deepface,
        detector_backend="skip",
    )
    embedding = np.asarray(found["embedding"], np.float64)
    if embedding.shape != (_network.size,):
        raise ValueError("DeepFace answered something else than one embedding.")
    return embedding / np.linalg.norm(embedding) if _network.is_normalised else embedding
