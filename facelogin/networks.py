"""The networks that turn a face into numbers, and FasNet, which looks for pictures of faces.

Embeddings of two networks are never compared: a template names its own, and another one makes it
unusable until its owner enrols again. A threshold is good for one network only. Dlib's was measured
(docs/decisions/face-thresholds.md); for another one the operator measures and sets it.
"""

from dataclasses import dataclass, replace


class ThresholdMissingError(Exception):
    """This network was not measured: nobody knows below which distance two faces are one."""


@dataclass(frozen=True)
class Weights:
    """One file that DeepFace looks for; ``sha256`` where we know what it must be."""

    file: str
    sha256: str | None = None


@dataclass(frozen=True)
class Network:
    name: str  # stored with each template, and sealed into it
    deepface: str
    size: int
    weights: Weights
    is_normalised: bool = True  # embeddings are brought to length 1
    threshold: float | None = None
    one_person: float | None = None  # between the poses of one capture


DLIB = Network(
    name="dlib-resnet-v1",
    deepface="Dlib",
    size=128,
    weights=Weights(
        "dlib_face_recognition_resnet_model_v1.dat",
        "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
    ),
    is_normalised=False,
    threshold=0.50,
    one_person=0.50,
)
NETWORKS = {
    network.deepface: network
    for network in (
        DLIB,
        Network("arcface-onnx-v1", "ArcFace", 512, Weights("arcface_weights.onnx")),
        Network("facenet512-onnx-v1", "Facenet512", 512, Weights("facenet512_weights.onnx")),
        Network("ghostfacenet-onnx-v1", "GhostFaceNet", 512, Weights("ghostfacenet_v1.onnx")),
        Network("vggface-onnx-v1", "VGG-Face", 4096, Weights("vgg_face_weights.onnx")),
    )
}
FASNET = (Weights("2.7_80x80_MiniFASNetV2.onnx"), Weights("4_0_0_80x80_MiniFASNetV1SE.onnx"))


def configured(model: str, threshold: float | None) -> Network:
    """The network that the settings name, with the threshold that is in force."""
    network = NETWORKS[model]
    in_force = threshold or network.threshold
    if in_force is None:
        raise ThresholdMissingError(
            f"{model} was not measured: run python -m benchmarks.face --model {model} on photos of "
            "your people, and set SECURECHAT_FACE_THRESHOLD to what it finds."
        )
    return replace(network, threshold=in_force, one_person=network.one_person or in_force)
