"""Makes recordings for the liveness benchmark from photos: synthetic heads, and attacks.

A synthetic head is a photo laid on a simple relief (half an ellipsoid with a nose), turned in space
and seen through a pinhole camera. It has a head's parallax and no more: no hidden side, no
blinking, no real light. The attacks are the same photo on a plane or a cylinder. All of it is
simulated: what a real camera sees of a real head or a real print is not measured with it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from facelogin import detection
from facelogin.decoding import Picture

Floats = NDArray[np.float32]
Relief = Callable[[Floats, Floats], Floats]

WIDTH, HEIGHT = 640, 480
EYES = 76.0  # pixels between the eyes at the distance of the screen
CAMERA = 8.5  # eye distances from the face: about half a metre
COARSE = 4
WALL = (118, 121, 125)


@dataclass(frozen=True)
class Portrait:
    """A photo whose coordinates are eye distances from the middle of the eyes."""

    picture: Picture
    middle: tuple[float, float]
    eyes: float
    turn: float = 0.0


@dataclass(frozen=True)
class Pose:
    """Degrees, and eye distances."""

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    x: float = 0.0
    y: float = 0.0
    nearer: float = 0.0
    stretch: float = 1.0


@dataclass(frozen=True)
class Conditions:
    """What camera and light do to a recording."""

    noise: float = 3.0  # standard deviation, of 255
    brightness: float = 1.0
    flicker: float = 0.03
    quality: int = 80
    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))


def portrait_of(picture: Picture) -> Portrait:
    """Raises ``UnusableFrameError`` when the product would not use the photo either."""
    seen = detection.find_face(picture)
    left, right = seen.points[0:2].mean(axis=0), seen.points[2:4].mean(axis=0)
    eyes = float(np.linalg.norm(left - right))
    middle = (left + right) / 2
    return Portrait(picture, (float(middle[0]), float(middle[1])), eyes, seen.turn)


def flat(x: Floats, _y: Floats) -> Floats:
    return np.zeros_like(x)


def head_of(portrait: Portrait) -> Relief:
    """How far the face comes out, in eye distances; the eyes are at 0, 0.

    The nose stands where the photo shows it: nobody looks quite straight.
    """

    def relief(x: Floats, y: Floats) -> Floats:
        round_part = np.clip(1 - (x / 1.3) ** 2 - ((y - 0.35) / 1.9) ** 2, 0, None)
        wide = np.sqrt(round_part) * 1.1 - 1.1
        nose = x - portrait.turn * np.clip(y / 0.6, 0, 1)
        tip = np.exp(-((nose / 0.22) ** 2)) * _ridge(y)
        return np.asarray(wide + tip, np.float32)

    return relief


def _ridge(y: Floats) -> Floats:
    """The nose rises from between the eyes to its tip and ends above the mouth."""
    up = np.clip(y / 0.6, 0, 1) ** 1.2
    down = 0.5 * (1 - np.tanh((y - 0.76) / 0.1))
    return np.asarray(0.42 * up * down, np.float32)


def bent_upright(radius: float) -> Relief:
    def relief(x: Floats, _y: Floats) -> Floats:
        return np.asarray(np.sqrt(np.clip(radius**2 - x**2, 0.01, None)) - radius, np.float32)

    return relief


def bent_across(radius: float) -> Relief:
    def relief(_x: Floats, y: Floats) -> Floats:
        arc = np.clip(radius**2 - (y - 0.55) ** 2, 0.01, None)
        return np.asarray(np.sqrt(arc) - radius, np.float32)

    return relief


def turning(frames: int, *, degrees: float, left_first: bool = True) -> Iterator[float]:
    """The yaw of a head that follows straight, one side, straight, the other, straight.

    Positive turns the nose to the person's own left (the right of the picture).
    """
    first = 1 if left_first else -1
    stops = np.array([0, 0, first, first, 0, 0, -first, -first, 0, 0], np.float64)
    at = np.linspace(0, len(stops) - 1, frames)
    yield from np.interp(at, np.arange(len(stops)), stops) * degrees


def show(portrait: Portrait, relief: Relief, pose: Pose) -> Picture:
    """One picture of the relief; the photo's surroundings move with it as far as they reach."""
    columns = np.arange(0, WIDTH, COARSE, dtype=np.float32)
    rows = np.arange(0, HEIGHT, COARSE, dtype=np.float32)
    u, v = np.meshgrid(columns, rows)
    x, y = _seen_at(u, v, relief, pose)
    scale = portrait.eyes
    source_x = portrait.middle[0] + x * scale
    source_y = portrait.middle[1] + y * scale
    return np.asarray(
        cv2.remap(
            portrait.picture,
            _refined(source_x),
            _refined(source_y),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=WALL,
        ),
        np.uint8,
    )


def recorded(picture: Picture, conditions: Conditions) -> bytes:
    """The JPEG that a page would send of it."""
    random = conditions.random
    light = conditions.brightness * (1 + random.normal(0, conditions.flicker))
    noise = random.standard_normal(picture.shape, np.float32) * np.float32(conditions.noise)
    noisy = picture * np.float32(light) + noise
    frame = np.clip(noisy, 0, 255).astype(np.uint8)
    return encoded(frame, conditions.quality)


def encoded(picture: Picture, quality: int) -> bytes:
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    done, data = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), options)
    if not done:
        raise ValueError("The picture does not encode.")
    return bytes(data)


def _seen_at(u: Floats, v: Floats, relief: Relief, pose: Pose) -> tuple[Floats, Floats]:
    """Which point of the photo each pixel shows: the ray meets the relief after a few steps."""
    focal = EYES * CAMERA
    rays = np.stack([(u - WIDTH / 2) / focal, (v - HEIGHT * 0.42) / focal, np.ones_like(u)])
    turn = _rotation(pose)
    # Where the camera stands, seen from the face: x to the right, y down, z away from the camera.
    pivot = np.array([0, 0.5, 0.9])  # the neck
    away = np.array([pose.x, pose.y, CAMERA - pose.nearer])
    camera = turn.T @ (-away - pivot) + pivot
    direction = np.einsum("ij,jhw->ihw", turn.T, rays)
    depth = np.zeros_like(u)
    for _ in range(8):
        reach = (-depth - camera[2]) / direction[2]
        x = np.asarray((camera[0] + reach * direction[0]) / pose.stretch, np.float32)
        y = np.asarray(camera[1] + reach * direction[1], np.float32)
        depth = 0.5 * depth + 0.5 * relief(x, y)
    return x, y


def _rotation(pose: Pose) -> NDArray[np.float64]:
    """From the face to the camera; a positive yaw turns the nose to the right of the picture."""
    rows = [np.radians(-pose.pitch), np.radians(-pose.yaw), np.radians(pose.roll)]
    about_x, about_y, about_z = (
        cv2.Rodrigues(axis * angle)[0] for axis, angle in zip(np.eye(3), rows, strict=True)
    )
    return np.asarray(about_z @ about_x @ about_y, np.float64)


def _refined(coarse: Floats) -> Floats:
    """From every fourth pixel to all; the relief is smooth."""
    matrix = np.array([[1 / COARSE, 0, 0], [0, 1 / COARSE, 0]], np.float64)
    return np.asarray(
        cv2.warpAffine(
            np.asarray(coarse, np.float32),
            matrix,
            (WIDTH, HEIGHT),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        ),
        np.float32,
    )
