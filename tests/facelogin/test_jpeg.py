import pytest

from facelogin import jpeg
from facelogin.jpeg import BadJpegError, Size
from tests.facelogin.pictures import GOOD, frame_header, picture, png, segment

pytestmark = pytest.mark.any_database

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
    "grey": picture(frame_header(colours=1)),
    "an archive before its end": GOOD[:-2] + b"\xff\xd9PK\x03\x04\xff\xd9",
    "two pictures": GOOD + GOOD,
    "a second scan": GOOD[:-2] + GOOD[GOOD.index(b"\xff\xda") :],
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


def test_fill_bytes_and_restarts_are_accepted() -> None:
    padded = b"\xff\xd8" + b"\xff\xff" + GOOD[2:]
    with_restarts = GOOD[:-2] + b"\xff\xd0\x12\xff\x00\xff\xd7\xff\xd9"

    assert jpeg.check(padded) == jpeg.check(with_restarts) == jpeg.check(GOOD)


@pytest.mark.parametrize("name", REFUSED)
def test_everything_else_is_refused_without_decoding_it(name: str) -> None:
    with pytest.raises(BadJpegError):
        jpeg.check(REFUSED[name])


def test_a_png_bomb_is_refused_by_its_first_bytes() -> None:
    bomb = png(20_000, 20_000)

    assert len(bomb) < 500_000
    with pytest.raises(BadJpegError):
        jpeg.check(bomb)
