"""Captures that must be refused, made by code: at the door by their bytes, or by the worker."""

import gzip
import io
import random
import zipfile
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage import data

from facelogin.jpeg import MAX_BYTES
from facelogin.lifecycle import MAX_FRAMES, MIN_FRAMES, Reason
from tests.facelogin.pictures import GOOD, frame_header, picture, png, segment

Pixels = NDArray[Any]  # of bytes; OpenCV and numpy promise only some numbers


def jpeg(pixels: Pixels, quality: int = 85) -> bytes:
    done, encoded = cv2.imencode(
        ".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    assert done
    return encoded.tobytes()


@cache
def face() -> Pixels:
    """A face that every checkout has (public domain), as a camera would show it."""
    whole = data.astronaut()  # type: ignore[no-untyped-call]
    return np.asarray(cv2.resize(whole[0:240, 64:384], (640, 480)), np.uint8)


# What is no picture that is accepted here -------------------------------------------------------


def saved(kind: str, mode: str = "RGB", **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(face()).convert(mode).save(file, kind, **options)
    return file.getvalue()


def animated(kind: str) -> bytes:
    others = [Image.fromarray(np.roll(face(), step, axis=1)) for step in (5, 10)]
    return saved(kind, save_all=True, append_images=others)


def archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("bomb", bytes(10_000_000))
    return file.getvalue()


def with_header(**changes: int) -> bytes:
    return picture(frame_header(**changes))


WHOLE = jpeg(face())
END = b"\xff\xd9"

BAD_FRAMES: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "one byte": lambda: b"\xff",
    "a beginning": lambda: WHOLE[:2],
    "a beginning and an end": lambda: WHOLE[:2] + END,
    "half a picture": lambda: WHOLE[: len(WHOLE) // 2],
    "a picture without its end": lambda: WHOLE[:-2],
    "half a header": lambda: WHOLE[:30] + END,
    "a picture and an archive": lambda: WHOLE + archive(),
    "an archive and an end": lambda: WHOLE + archive() + END,
    "an animation in front": lambda: b"GIF89a" + WHOLE,
    "a picture and a page": lambda: WHOLE + b"<script>alert(1)</script>" + END,
    "two pictures": lambda: WHOLE + WHOLE,
    "a film of pictures": lambda: WHOLE * 5,
    "progressive": lambda: saved("JPEG", progressive=True),
    "four colours": lambda: saved("JPEG", "CMYK"),
    "grey": lambda: saved("JPEG", "L"),
    "lossless": lambda: with_header(marker=0xC3),
    "arithmetic": lambda: with_header(marker=0xC9),
    "hierarchical": lambda: with_header(marker=0xC5),
    "twelve bits": lambda: with_header(precision=12),
    "two colours": lambda: with_header(colours=2),
    "very wide": lambda: with_header(width=65_500, height=128),
    "very high": lambda: with_header(width=128, height=65_500),
    "huge": lambda: with_header(width=65_500, height=65_500),
    "a little too large": lambda: jpeg(cv2.resize(face(), (1281, 960))),
    "a little too small": lambda: jpeg(cv2.resize(face(), (160, 119))),
    "tiny": lambda: jpeg(cv2.resize(face(), (16, 16))),
    "one pixel": lambda: jpeg(face()[:1, :1]),
    "without a height": lambda: with_header(height=0),
    "without a width": lambda: with_header(width=0),
    "without a size": picture,
    "two sizes": lambda: picture(frame_header(), frame_header(width=9_000)),
    "an unknown marker": lambda: WHOLE[:2] + b"\xff\x02" + WHOLE[4:],
    "no marker": lambda: WHOLE[:2] + b"\0\0" + WHOLE[2:],
    "a segment beyond the end": lambda: b"\xff\xd8\xff\xe0\xff\xff" + END,
    "a thousand comments": lambda: picture(*[segment(0xFE, b"x")] * 1000, frame_header()),
    "a quarter of a megabyte": lambda: WHOLE[:-2] + bytes(MAX_BYTES) + END,
    "PNG": lambda: saved("PNG"),
    "PNG bomb": lambda: png(30_000, 30_000),
    "animated PNG": lambda: animated("PNG"),
    "GIF": lambda: saved("GIF"),
    "animated GIF": lambda: animated("GIF"),
    "WebP": lambda: saved("WEBP"),
    "animated WebP": lambda: animated("WEBP"),
    "BMP": lambda: saved("BMP"),
    "TIFF": lambda: saved("TIFF"),
    "icon": lambda: saved("ICO"),
    "JPEG 2000": lambda: b"\0\0\0\x0cjP  \r\n\x87\n" + WHOLE,
    "HEIC": lambda: b"\0\0\0\x18ftypheic" + WHOLE,
    "film": lambda: b"\0\0\0\x18ftypisom" + WHOLE,
    "SVG": lambda: b'<svg xmlns="http://www.w3.org/2000/svg"/>',
    "page": lambda: b"<html></html>",
    "PDF": lambda: b"%PDF-1.7\n" + WHOLE,
    "archive": archive,
    "compressed bomb": lambda: gzip.compress(bytes(50_000_000)),
    "program": lambda: b"\x7fELF\x02\x01\x01" + bytes(100),
    "JSON": lambda: b'{"frame": "data:image/jpeg;base64,"}',
    "noise": lambda: random.Random(1).randbytes(20_000),
}


def bad_sets() -> dict[str, Sequence[bytes]]:
    """Of frames that are fine each, and of one that is not among them."""
    rest = [GOOD] * (MIN_FRAMES - 1)
    return {
        **{name: [make(), *rest] for name, make in BAD_FRAMES.items()},
        "one frame too few": rest,
        "one frame too many": [GOOD] * (MAX_FRAMES + 1),
    }


# What only the worker can see -------------------------------------------------------------------


def every(pixels: Pixels) -> list[bytes]:
    """So many frames of the same, none like the other byte for byte."""
    rows = np.random.default_rng(3)
    return [jpeg(_jittered(pixels, rows)) for _ in range(MIN_FRAMES)]


def _jittered(pixels: Pixels, source: np.random.Generator) -> Pixels:
    noisy = pixels + source.normal(0, 2, pixels.shape)
    return np.asarray(np.clip(noisy, 0, 255), np.uint8)


def turned_by_its_header() -> bytes:
    """A picture that lies on its side, with a note that a viewer should stand it up."""
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    Image.fromarray(np.rot90(face()).copy()).save(file, "JPEG", exif=exif)
    return file.getvalue()


def scan_of(whole: bytes) -> int:
    return whole.index(b"\xff\xda") + 14


def on_a_wall(width: int) -> Pixels:
    wall = np.full((480, 640, 3), 120, np.uint8)
    height = width * 3 // 4
    wall[100 : 100 + height, 200 : 200 + width] = cv2.resize(face(), (width, height))
    return wall


def crowd() -> Pixels:
    return np.hstack([face()[:, 160:480], face()[:, 160:480]])


JUDGED: dict[str, tuple[Callable[[], list[bytes]], Reason]] = {
    "a header without a picture": (lambda: [GOOD, *every(face())[1:]], Reason.BAD_FRAME),
    "pictures that stop after their header": (
        lambda: [WHOLE[: scan_of(WHOLE)] + END] * MIN_FRAMES,
        Reason.NO_FACE,
    ),
    "a broken table": (
        lambda: [
            WHOLE.replace(b"\xff\xc4\x00\x1f\x00", b"\xff\xc4\x00\x1f\x07", 1),
            *every(face())[1:],
        ],
        Reason.BAD_FRAME,
    ),
    "a header that lies about the size": (
        lambda: [WHOLE.replace(b"\x01\xe0\x02\x80", b"\x04\xff\x04\xff", 1)] * MIN_FRAMES,
        Reason.NO_FACE,
    ),
    "nobody": (lambda: every(np.full((480, 640, 3), 120, np.uint8)), Reason.NO_FACE),
    "noise": (
        lambda: every(np.random.default_rng(5).integers(0, 255, (240, 320, 3), np.uint8)),
        Reason.NO_FACE,
    ),
    "a face on its side by its header": (lambda: [turned_by_its_header()] * 30, Reason.NO_FACE),
    "a face upside down": (lambda: every(face()[::-1].copy()), Reason.NO_FACE),
    "half a face": (
        lambda: every(np.where(np.arange(480)[:, None, None] < 200, face(), 90)),
        Reason.NO_FACE,
    ),
    "two faces": (lambda: every(crowd()), Reason.MANY_FACES),
    "a face far away": (lambda: every(on_a_wall(280)), Reason.TOO_FAR),
    "the dark": (lambda: every(np.asarray(face() * 0.2, np.uint8)), Reason.TOO_DARK),
    "the sun": (
        lambda: every(np.asarray(np.minimum(face() * 0.15 + 217, 255), np.uint8)),
        Reason.TOO_BRIGHT,
    ),
    "a smear": (lambda: every(cv2.GaussianBlur(face(), (0, 0), 7)), Reason.BLURRED),
    "a still": (lambda: every(face()), Reason.TOO_ALIKE),
    "a mirrored still": (lambda: every(face()[:, ::-1].copy()), Reason.TOO_ALIKE),
    "a grey still in colour": (
        lambda: every(np.repeat(face().mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)),
        Reason.TOO_ALIKE,
    ),
    "a still with an archive where its data ends": (  # no marker tells one from the other
        lambda: [WHOLE[:-2] + archive() + END] * MIN_FRAMES,
        Reason.TOO_ALIKE,
    ),
    "one picture thirty times": (lambda: [WHOLE] * MIN_FRAMES, Reason.TOO_ALIKE),
}
