"""Reads what a JPEG says of itself, before anything decodes it: no decoder, no I/O.

Accepted is what a browser's canvas makes: baseline, three colours of 8 bits, one picture that ends
with the last byte. Everything else is refused, so that no other decoder can ever be meant.
"""

import re
import struct
from dataclasses import dataclass

MAX_BYTES = 256 * 1024
MIN_SIDE = 120
MAX_SIDE = 1280

_SOI = b"\xff\xd8"
_EOI = b"\xff\xd9"
_SOS = 0xDA
_BASELINE = frozenset({0xC0, 0xC1})
# Huffman and quantisation tables, restart interval, scan, comment, and what applications add.
_SEGMENTS = _BASELINE | {0xC4, 0xDB, 0xDD, _SOS, 0xFE, *range(0xE0, 0xF0)}
_MARKERS_AT_MOST = 64
_MARKER_IN_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7]", re.DOTALL)  # none but restarts and the end


class BadJpegError(Exception):
    """Not a picture that is accepted here; the text says what is, not what was sent."""


@dataclass(frozen=True)
class Size:
    width: int
    height: int


def check(data: bytes) -> Size:
    """Return the size that the header declares; raise ``BadJpegError`` for anything unusual."""
    if len(data) > MAX_BYTES:
        raise BadJpegError(f"A frame has {MAX_BYTES} bytes at most.")
    if not data.startswith(_SOI) or not data.endswith(_EOI):
        raise BadJpegError("A frame is one complete JPEG.")
    size = _declared_size(data)
    sides = (size.width, size.height)
    if min(sides) < MIN_SIDE or max(sides) > MAX_SIDE:
        raise BadJpegError(f"A frame has {MIN_SIDE} to {MAX_SIDE} pixels on each side.")
    return size


def _declared_size(data: bytes) -> Size:
    """Walk the segments up to the picture's data; exactly one of them declares the size."""
    sizes: list[Size] = []
    position = len(_SOI)
    for _ in range(_MARKERS_AT_MOST):
        marker, position = _next_marker(data, position)
        body = _segment(data, position)
        if marker in _BASELINE:
            sizes.append(_read_size(body))
        position += 2 + len(body)
        if marker == _SOS:
            _check_scan(data, position)
            break
    if len(sizes) != 1:
        raise BadJpegError("A frame is a baseline JPEG with one picture in it.")
    return sizes[0]


def _check_scan(data: bytes, position: int) -> None:
    """The picture's data goes on to the mark of its end, and nothing comes after that."""
    found = _MARKER_IN_SCAN.search(data, position)
    if found is None or found.group() != _EOI or found.end() != len(data):
        raise BadJpegError("A frame is one complete JPEG.")


def _next_marker(data: bytes, position: int) -> tuple[int, int]:
    if data[position : position + 1] != b"\xff":
        raise BadJpegError("A frame is a well-formed JPEG.")
    while data[position : position + 1] == b"\xff":
        position += 1
    marker = data[position] if position < len(data) else 0
    if marker not in _SEGMENTS:
        raise BadJpegError("A frame is a baseline JPEG.")
    return marker, position + 1


def _segment(data: bytes, position: int) -> bytes:
    if position + 2 > len(data):
        raise BadJpegError("A frame is a well-formed JPEG.")
    (length,) = struct.unpack_from(">H", data, position)
    body = data[position + 2 : position + length]
    if length < 2 or len(body) != length - 2:  # noqa: PLR2004 (the length counts itself)
        raise BadJpegError("A frame is a well-formed JPEG.")
    return body


def _read_size(body: bytes) -> Size:
    try:
        precision, height, width, components = struct.unpack_from(">BHHB", body)
    except struct.error as error:
        raise BadJpegError("A frame is a well-formed JPEG.") from error
    if (precision, components) != (8, 3):
        raise BadJpegError("A frame has three colours of 8 bits.")
    return Size(width=width, height=height)
