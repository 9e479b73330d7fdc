import struct
import zlib

import pytest

from facelogin import jpeg
from facelogin.jpeg import BadJpegError, Size

pytestmark = pytest.mark.filterwarnings("error")


def segment(marker: int, body: bytes) -> bytes:
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(body) + 2) + body


def frame_header(
    *, width: int = 640, height: int = 480, marker: int = 0xC0, precision: int = 8, colours: int = 3
) -> bytes:
    body = struct.pack(">BHHB", precision, height, width, colours) + b"\1\x22\0" * colours
    return segment(marker, body)


def picture(*headers: bytes) -> bytes:
    """A JPEG as far as its headers go."""
    scan = segment(0xDA, b"\3\1\0\2\x11\3\x11\0\x3f\0") + b"\x12\x34\x56"
    return b"\xff\xd8" + segment(0xE0, b"JFIF\0") + b"".join(headers) + scan + b"\xff\xd9"


def png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + checksum

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compressobj(9)
    packed = b"".join(rows.compress(bytes(width + 1)) for _ in range(height)) + rows.flush()
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


GOOD = picture(frame_header())

REFUSED = {
    "nothing": b"",
    "only the start": b"\xff\xd8",
    "start and end": b"\xff\xd8\xff\xd9",
    "truncated": GOOD[:-2],
    "truncated in a header": GOOD[:20] + b"\xff\xd9",
    "something behind it": GOOD + b"PK\x03\x04",
    "something before it": b"GIF89a" + GOOD,
    "no size at all": picture(),
    "two sizes": picture(frame_header(), frame_header(width=2000)),
    "progressive": picture(frame_header(marker=0xC2)),
    "lossless": picture(frame_header(marker=0xC3)),
    "arithmetic coding": picture(frame_header(marker=0xC9)),
    "twelve bits": picture(frame_header(precision=12)),
    "four colours": picture(frame_header(colours=4)),
    "too wide": picture(frame_header(width=20_000)),
    "too high": picture(frame_header(height=65_535)),
    "no height": picture(frame_header(height=0)),
    "tiny": picture(frame_header(width=16, height=16)),
    "size cut short": picture(segment(0xC0, b"\x08\x01")),
    "segment without a length": b"\xff\xd8\xff\xe0\xff\xd9",
    "segment of length one": b"\xff\xd8\xff\xe0\x00\x01" + GOOD[2:],
    "segment beyond the end": b"\xff\xd8\xff\xe0\xff\xff\xff\xd9",
    "no marker where one must be": b"\xff\xd8\x00\x00" + GOOD[2:],
    "endless headers": picture(*[segment(0xFE, b"x")] * 100, frame_header()),
    "too many bytes": picture(frame_header())[:-2] + bytes(jpeg.MAX_BYTES) + b"\xff\xd9",
    "a web picture": b"RIFF\0\0\0\0WEBPVP8 ",
    "a page": b"<html></html>",
}


def test_a_baseline_picture_says_its_size() -> None:
    assert jpeg.check(GOOD) == Size(width=640, height=480)


def test_grey_pictures_and_fill_bytes_are_accepted() -> None:
    padded = b"\xff\xd8" + b"\xff\xff" + GOOD[2:]

    assert jpeg.check(picture(frame_header(colours=1)))
    assert jpeg.check(padded)


@pytest.mark.parametrize("name", REFUSED)
def test_everything_else_is_refused_without_decoding_it(name: str) -> None:
    with pytest.raises(BadJpegError):
        jpeg.check(REFUSED[name])


def test_a_png_bomb_is_refused_by_its_first_bytes() -> None:
    bomb = png(20_000, 20_000)

    assert len(bomb) < 500_000
    with pytest.raises(BadJpegError):
        jpeg.check(bomb)
