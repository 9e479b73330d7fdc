"""Finds the one face of a picture and says how it looks: pose, light, sharpness, aligned chip."""

from dataclasses import dataclass
from functools import cache

import cv2
import dlib  # type: ignore[import-untyped]
import numpy as np
from numpy.typing import NDArray

from facelogin import antispoofing, weights
from facelogin.decoding import Picture
from facelogin.lifecycle import Reason

SMALLEST_FACE = 90  # pixels
LARGEST_FACE = 0.85  # of the picture's shorter side
DOMINANT = 0.6  # a second face this large, of the first, is somebody else at the camera
CHIP_SIDE = 150
CHIP_PADDING = 0.25
DARKEST, BRIGHTEST = 45, 225  # mean grey of the chip
LEAST_SHARP = 25.0  # variance of the Laplacian of the chip


@dataclass(frozen=True, repr=False)
class Sighting:
    """One face in one frame.

    ``turn`` is where the nose stands between the eyes, in eye distances from the middle: positive
    when the head is turned to the person's own left (the picture is not mirrored).
    """

    chip: Picture
    turn: float
    sharpness: float
    points: NDArray[np.float64]  # dlib's five, in pixels of the picture
    number: int = 0  # of the frame in its capture
    looks_real: bool = True  # to FasNet, where it is installed


class UnusableFrameError(Exception):
    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


def find_face(picture: Picture) -> Sighting:
    """Return the picture's one dominant face; raise ``UnusableFrameError`` with the reason."""
    box = _dominant_box(picture)
    landmarks = _landmarks()(picture, box)
    chip: Picture = dlib.get_face_chip(picture, landmarks, CHIP_SIDE, CHIP_PADDING)
    grey = cv2.cvtColor(chip, cv2.COLOR_RGB2GRAY)
    _check_light(float(grey.mean()))
    sharpness = float(cv2.Laplacian(grey, cv2.CV_64F).var())
    if sharpness < LEAST_SHARP:
        raise UnusableFrameError(Reason.BLURRED)
    points = np.array([(p.x, p.y) for p in landmarks.parts()], np.float64)
    return Sighting(
        chip=chip,
        turn=turn_of(points),
        sharpness=sharpness,
        points=points,
        looks_real=_looks_real(picture, box),
    )


def turn_of(points: NDArray[np.float64]) -> float:
    """The nose's offset along the line of the eyes, from dlib's five points.

    The points are the corners of the person's left eye, those of the right one, and the base of
    the nose; the head's tilt does not change the value.
    """
    left_eye, right_eye = points[0:2].mean(axis=0), points[2:4].mean(axis=0)
    axis = left_eye - right_eye
    length = float(np.linalg.norm(axis))
    if length == 0:
        raise UnusableFrameError(Reason.NO_FACE)
    offset = points[4] - (left_eye + right_eye) / 2
    return float(offset @ axis) / length**2


def _dominant_box(picture: Picture) -> dlib.rectangle:
    boxes = sorted(_detector()(picture, 0), key=lambda box: box.width(), reverse=True)
    if not boxes:
        raise UnusableFrameError(Reason.NO_FACE)
    largest = boxes[0]
    if len(boxes) > 1 and boxes[1].width() >= DOMINANT * largest.width():
        raise UnusableFrameError(Reason.MANY_FACES)
    if largest.width() < SMALLEST_FACE:
        raise UnusableFrameError(Reason.TOO_FAR)
    if largest.width() > LARGEST_FACE * min(picture.shape[:2]):
        raise UnusableFrameError(Reason.TOO_CLOSE)
    return largest


def _looks_real(picture: Picture, box: dlib.rectangle) -> bool:
    if not antispoofing.is_loaded():
        return True
    inside = [max(0, box.left()), max(0, box.top()), box.width(), box.height()]
    return antispoofing.looks_real(picture, inside)


def _check_light(mean: float) -> None:
    if mean < DARKEST:
        raise UnusableFrameError(Reason.TOO_DARK)
    if mean > BRIGHTEST:
        raise UnusableFrameError(Reason.TOO_BRIGHT)


@cache
def _detector() -> dlib.fhog_object_detector:
    return dlib.get_frontal_face_detector()


@cache
def _landmarks() -> dlib.shape_predictor:
    return dlib.shape_predictor(str(weights.weights_file(weights.LANDMARKS)))
