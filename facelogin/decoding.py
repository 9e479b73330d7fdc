"""Turns an accepted JPEG into pixels; what its header declares bounds what decoding can cost."""

import os

os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(1280 * 1280))  # read when cv2 is imported

import cv2
import numpy as np
from numpy.typing import NDArray

from facelogin import jpeg

Picture = NDArray[np.uint8]  # height, width, red-green-blue

LARGEST_SIDE = 640  # what every figure of the pipeline was measured at

cv2.setNumThreads(1)  # frames are judged one after the other, on one core


def warm_up() -> None:
    """Have everything loaded that decoding needs, before nothing can be loaded any more."""
    _, encoded = cv2.imencode(".jpg", np.full((200, 1000, 3), 128, np.uint8))
    decode(encoded.tobytes())


def decode(data: bytes) -> Picture:
    """Decode a JPEG to at most 640 pixels a side; raises ``BadJpegError``."""
    declared = jpeg.check(data)
    decoded = cv2.imdecode(
        np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    )
    if decoded is None or decoded.shape[:2] != (declared.height, declared.width):
        raise jpeg.BadJpegError("A frame is a well-formed JPEG.")
    scale = LARGEST_SIDE / max(decoded.shape[:2])
    if scale < 1:
        decoded = cv2.resize(decoded, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8)
