"""Finds the models' files, checks them, and lays them where DeepFace looks: nothing is fetched.

Dlib's files come with a package and their digests are ours. Every other file is installed by an
operator (``manage.py face weights``); its digest is written down then, and each start compares.
"""

import hashlib
import importlib
import importlib.util
import json
import os
import shutil
from enum import StrEnum
from pathlib import Path

from facelogin.networks import DLIB, FASNET, NETWORKS, Network, Weights

PACKAGE = "face_recognition_models"  # never imported: it needs pkg_resources
RESNET = DLIB.weights
LANDMARKS = Weights(
    "shape_predictor_5_face_landmarks.dat",
    "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
)
_PACKAGED = (RESNET, LANDMARKS)
_DIGESTS = "securechat.json"


class WeightsError(Exception):
    """The models are not installed, or are not the ones this was measured with."""


class State(StrEnum):
    GOOD = "installed"
    MISSING = "not installed"
    CHANGED = "not the file that was installed"


def folder(home: Path) -> Path:
    """Where DeepFace looks below its home."""
    return home / ".deepface" / "weights"


def installable() -> dict[str, Weights]:
    """What an operator may add, by the name of its file."""
    networks = [one.weights for one in NETWORKS.values() if one.weights not in _PACKAGED]
    return {one.file: one for one in (*networks, *FASNET)}


def state_of(wanted: Weights, home: Path) -> State:
    if wanted in _PACKAGED:
        try:
            weights_file(wanted)
        except WeightsError:
            return State.MISSING
        return State.GOOD
    path = folder(home) / wanted.file
    if not path.is_file():
        return State.MISSING
    expected = wanted.sha256 or _digests(home).get(wanted.file)
    return State.GOOD if expected == digest_of(path) else State.CHANGED


def weights_file(wanted: Weights) -> Path:
    """The path of a packaged model whose bytes are the known ones."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise WeightsError(f"The package {PACKAGE} is not installed.")
    path = Path(next(iter(spec.submodule_search_locations))) / "models" / wanted.file
    if not path.is_file():
        raise WeightsError(f"{PACKAGE} has no {wanted.file}.")
    if digest_of(path) != wanted.sha256:
        raise WeightsError(f"{wanted.file} is not the file this was measured with.")
    return path


def install(source: Path, wanted: Weights, home: Path, *, sha256: str | None = None) -> str:
    """Copy a file to where DeepFace looks and write its digest down; return the digest."""
    digest = digest_of(source)
    expected = sha256 or wanted.sha256
    if expected is not None and digest != expected.lower():
        raise WeightsError(
            f"{source.name} has the SHA-256 {digest}, which is not the expected one."
        )
    target = folder(home) / wanted.file
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if source.resolve() != target.resolve():
        draft = target.with_name(f".{target.name}.part")
        shutil.copyfile(source, draft)
        draft.replace(target)
    _write_digest(home, wanted.file, digest)
    return digest


def download(wanted: Weights, home: Path, *, sha256: str | None = None) -> str:
    """Let DeepFace fetch the file from where it knows it; only ever called by an operator."""
    os.environ["DEEPFACE_HOME"] = str(home)
    os.environ["DEEPFACE_BACKEND_ENGINE"] = "onnx"
    target = folder(home) / wanted.file
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fetching = importlib.import_module("deepface.commons.weight_utils")
    fetching.download_weights_if_necessary(wanted.file, _addresses_of(wanted))
    try:
        return install(target, wanted, home, sha256=sha256)
    except WeightsError:
        target.unlink()
        raise


def require(network: Network, home: Path) -> None:
    """Before DeepFace is asked for the network: it would fetch what is missing."""
    state = state_of(network.weights, home)
    if state is not State.GOOD:
        raise WeightsError(f"{network.weights.file} is {state}: manage.py face weights")


def has_fasnet(home: Path) -> bool:
    """Whether FasNet is installed, and therefore required; raises if it is not whole.

    A file that got lost must not switch a check off without anybody hearing of it.
    """
    states = {state_of(one, home) for one in FASNET}
    if State.CHANGED in states:
        raise WeightsError("FasNet's files are not those that were installed.")
    if len(states) > 1:
        raise WeightsError("Of FasNet's two files one is missing: install it, or remove the other.")
    return states == {State.GOOD}


def link_for_deepface(home: Path) -> None:
    """Link Dlib's checked model into DeepFace's folder, before deepface is imported."""
    folder(home).mkdir(mode=0o700, parents=True, exist_ok=True)
    target = weights_file(RESNET)
    link = folder(home) / RESNET.file
    if link.is_symlink() and link.resolve() == target.resolve():
        return
    link.unlink(missing_ok=True)
    try:
        link.symlink_to(target.resolve())
    except FileExistsError:
        return  # another worker was faster, with the same link


def digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digests(home: Path) -> dict[str, str]:
    path = folder(home) / _DIGESTS
    known: dict[str, str] = json.loads(path.read_text()) if path.is_file() else {}
    return known


def _write_digest(home: Path, file: str, digest: str) -> None:
    path = folder(home) / _DIGESTS
    draft = path.with_name(f".{_DIGESTS}.part")
    draft.write_text(json.dumps({**_digests(home), file: digest}, indent=2))
    draft.replace(path)


def _addresses_of(wanted: Weights) -> list[str]:
    """Where DeepFace itself would look: its modules name each file with its addresses."""
    names = ("facial_recognition.onnx.ArcFace", "facial_recognition.onnx.Facenet")
    more = ("facial_recognition.onnx.GhostFaceNet", "facial_recognition.onnx.VGGFace")
    for name in (*names, *more, "spoofing.onnx.FasNet"):
        for value in vars(importlib.import_module(f"deepface.models.{name}")).values():
            if isinstance(value, list) and str(value[:1]).endswith(f"/{wanted.file}']"):
                return [str(address) for address in value]
    raise WeightsError(f"DeepFace does not know where {wanted.file} comes from.")
